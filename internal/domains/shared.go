package domains

// SharedSet is the name of the row that has the keys of all domains in mode
// cname-shared. No domain has a colon.
const SharedSet = "shared:"
