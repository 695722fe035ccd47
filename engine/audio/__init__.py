"""Where samples come from: sound files, standard input, microphones."""
