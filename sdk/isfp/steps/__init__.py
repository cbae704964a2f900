"""The steps of a frame, one a file: letterbox, phrase, phrase vectors, lookup, result, stopwatch."""
