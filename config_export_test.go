package rwsplit

// NormalizeConfig gives tests Config.normalize.
func NormalizeConfig(c *Config) error { return c.normalize() }

// RedactDSN is how an error of a base driver is shown.
func RedactDSN(err error, dsn string) error { return redactDSN(err, dsn) }
