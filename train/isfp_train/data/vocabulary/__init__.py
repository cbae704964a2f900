"""The words that a network knows: GloVe's vectors, and the words of generated phrases."""
