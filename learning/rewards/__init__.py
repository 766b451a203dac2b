"""What makes a reply like the owner's? One reward a file, each from 0 to 1, none of them needs torch."""
