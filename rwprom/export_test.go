package rwprom

// ReasonLabel is for the tests.
var ReasonLabel = reasonLabel
