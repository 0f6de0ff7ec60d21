package rwsplit

// NormalizeConfig gives tests Config.normalize.
func NormalizeConfig(c *Config) error { return c.normalize() }
