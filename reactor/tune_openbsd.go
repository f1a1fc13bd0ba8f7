package reactor

// keepIdle does nothing: the times are those of the system, net.inet.tcp.keepidle.
func (o *options) keepIdle(int) {}
