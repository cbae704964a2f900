"""RefCOCO, RefCOCO+, RefCOCOg and gRefCOCO."""
