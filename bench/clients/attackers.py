"""Those who mean a node harm, and the honest station beside them."""
