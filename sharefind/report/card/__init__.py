"""Model cards: what a file of trained weights is, written beside it as Markdown in the form of Hugging Face."""
