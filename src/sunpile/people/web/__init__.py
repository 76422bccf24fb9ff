"""The page: one live view of the town and one receipt page, in English and Chinese, drawn by us, nothing from elsewhere."""
