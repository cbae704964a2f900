"""The vocabulary of a network: GloVe's vectors, and the words of generated phrases."""
