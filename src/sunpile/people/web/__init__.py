"""The page: a live view of the town and a receipt page, in English and Chinese, drawn by us, nothing from elsewhere."""
