"""The page to try a bundle in a browser: Starlette serves it, one thread asks the Segmenter. Needs the extra `web`."""
