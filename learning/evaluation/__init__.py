"""How is an adapter measured? One file for each question; learning/evaluate.py asks them all."""
