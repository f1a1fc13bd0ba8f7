package interop

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const postfixMaster = "/usr/lib/postfix/sbin/master"

func needPostfix(t *testing.T) {
	t.Helper()
	need(t, postfixMaster)
	need(t, "sh", "-c", "test $(id -u) = 0") // as whom it begins
}

// A postfix is a whole mail system in a directory, which sends all mail to us.
type postfix struct {
	*program
	dir string
}

// startPostfix starts one with what else is to stand in its main.cf.
func startPostfix(t *testing.T, settings ...string) *postfix {
	t.Helper()
	dir := openDir(t)
	p := &postfix{dir: dir}
	for _, name := range []string{"conf", "queue", "data"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	require.NoError(t, os.Chown(filepath.Join(dir, "data"), uid(t, "postfix"), -1))
	settings = append([]string{
		"compatibility_level = 3.6",
		"queue_directory = " + dir + "/queue",
		"data_directory = " + dir + "/data",
		"maillog_file = /dev/stdout",
		"myhostname = client.test",
		"mydestination =",
		"relay_domains = our.test",
		"inet_protocols = ipv4",
		"smtp_host_lookup = native",
		"smtp_dns_support_level = disabled",
		"smtp_sasl_auth_soft_bounce = no",
		"message_size_limit = 0",
		"maximal_queue_lifetime = 0", // nothing is tried twice
		"bounce_queue_lifetime = 0",
	}, settings...)
	require.NoError(t, os.WriteFile(dir+"/conf/main.cf", []byte(strings.Join(settings, "\n")+"\n"), 0o644))
	master, err := os.ReadFile("testdata/postfix-master.cf")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(dir+"/conf/master.cf", master, 0o644))
	out, err := exec.Command("/usr/sbin/postfix", "-c", dir+"/conf", "check").CombinedOutput() // which makes the rest
	require.NoError(t, err, "%s", out)
	p.program = start(t, postfixMaster, "-s", "-c", dir+"/conf")
	t.Cleanup(func() {
		p.cmd.Process.Signal(syscall.SIGTERM) // which ends all of it
		p.Ends()
	})
	p.Expect("daemon started")
	return p
}

// uid is the number of a user.
func uid(t *testing.T, name string) int {
	t.Helper()
	u, err := user.Lookup(name)
	require.NoError(t, err)
	id, err := strconv.Atoi(u.Uid)
	require.NoError(t, err)
	return id
}

// sendmail gives it a message, and returns what it calls that.
func (p *postfix) sendmail(o order) (id string) {
	p.t.Helper()
	cmd := exec.Command("/usr/sbin/sendmail", append([]string{"-C", p.dir + "/conf", "-i", "-f", o.From, "--"}, o.To...)...)
	message, err := os.Open(unix(p.t, o.File, ""))
	require.NoError(p.t, err)
	defer message.Close()
	cmd.Stdin = message
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, "%s", out)
	return strings.TrimSuffix(strings.Fields(p.Line("postfix/pickup["))[1], ":")
}

// postfixMail has a Postfix of its own send the message, and waits for what becomes of
// it.
func postfixMail(t *testing.T, o order) (bool, string) {
	p := startPostfix(t, o.postfix()...)
	p.Expect(p.sendmail(o) + ": removed")
	return strings.Contains(p.Said(), "status=sent"), p.Said()
}

// postfix is what an order is in main.cf.
func (o order) postfix() (settings []string) {
	if o.LMTP {
		settings = append(settings, "default_transport = lmtp:unix:"+o.Socket, "relay_transport = lmtp:unix:"+o.Socket)
	} else {
		settings = append(settings, "relayhost = ["+o.Host+"]:"+o.port())
	}
	if o.TLS != "" {
		settings = append(settings, "smtp_tls_security_level = secure", "smtp_tls_secure_cert_match = "+o.Host,
			"smtp_tls_CAfile = "+o.CA)
	}
	if o.TLS == "implicit" {
		settings = append(settings, "smtp_tls_wrappermode = yes")
	}
	if o.User != "" {
		settings = append(settings, "smtp_sasl_auth_enable = yes", "smtp_sasl_security_options = noanonymous",
			"smtp_sasl_mechanism_filter = "+strings.ToLower(o.Mechanism), "smtp_sasl_password_maps = static:"+o.User+":"+o.Password)
	}
	if o.Pipeline {
		settings = append(settings, "debug_peer_list = 127.0.0.1")
	}
	return settings
}
