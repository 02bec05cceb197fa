application = "a string is not callable"
