"""`isfp label`: a folder of pictures, its log, COCO's format, a Ray cluster."""
