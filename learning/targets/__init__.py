"""Where does training happen? One machine a file; each takes a folder and gives one back."""
