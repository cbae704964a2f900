"""Single objects: cut from photos, from a folder, or drawn by code; their colours and names."""
