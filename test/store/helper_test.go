package store

func runHelper() bool { return false }
