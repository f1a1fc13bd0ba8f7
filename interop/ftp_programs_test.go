package interop

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What some clients have no way to do.
const (
	noTLS      = "explicit TLS, implicit TLS, TLS resumed, active TLS, not trusted, no room TLS"
	noCommands = "rename, delete, mkdir, rmdir"
	noPut      = "put, put over, put 10 MB, put empty, put rest, put text, no room, no room TLS, " + noCommands
)

var ferries = []ferry{
	// curl 7.88 leaves out TLS when it puts in active mode.
	{name: "curl", need: needs("curl", "--version"), run: curlFTP, cannot: "active TLS, mirror, mirror back"},
	{name: "lftp", need: needs("lftp", "--version"), run: lftp},
	// ncftpput 3.2.6 sends the whole file behind REST.
	{name: "ncftp", need: needs("ncftpls"), run: ncftp, cannot: noTLS + ", put rest"},
	{name: "tnftp", need: needs("tnftp"), run: tnftp, cannot: noTLS + ", mirror, mirror back"},
	{name: "inetutils", need: needs("inetutils-ftp", "--version"), run: inetutilsFTP, cannot: noTLS + ", mirror, mirror back"},
	{name: "wget", need: needs("wget", "--version"), run: wget, cannot: noPut + ", denied, mirror back", crlf: true},
	{name: "busybox", need: needs("busybox", "ftpget", "--help"), run: busyboxFTP, cannot: noTLS + ", " + noCommands + ", list, get text, put text, put rest, active, mirror, mirror back"},
	{name: "ftplib", need: needs(python, "-c", "import ftplib"), run: pythonFTP("ftplib_client.py"), cannot: "implicit TLS, TLS resumed, mirror, mirror back"},
	{name: "Twisted", need: needTwisted, run: pythonFTP("ftp_client.py"), cannot: noTLS + ", get rest, put rest, mirror, mirror back"},
	{name: "jlaffaye", need: func(*testing.T) {}, run: goFTP, cannot: "active, active TLS, mirror, mirror back"},
}

// url is that of the file.
func (o fileOrder) url(scheme string) string {
	port := o.Port
	if o.TLS == "implicit" {
		port = o.TLSPort
	}
	name := strings.ReplaceAll(url.PathEscape(o.Name), "%2F", "/")
	return scheme + "://" + net.JoinHostPort(o.Host, port) + "/" + name
}

// curlFTP lists the folder when it has sent a command that moves no data.
func curlFTP(t *testing.T, o fileOrder) (bool, string) {
	args := []string{"-sSv", "--noproxy", "*", "--max-time", "30", "--user", o.User + ":" + o.Password}
	scheme := "ftp"
	switch o.TLS {
	case "explicit":
		args = append(args, "--ssl-reqd", "--cacert", o.CA)
	case "implicit":
		scheme = "ftps"
		args = append(args, "--cacert", o.CA)
	}
	if o.Active {
		args = append(args, "--ftp-port", "-")
	}
	if o.ASCII {
		args = append(args, "--use-ascii")
	}
	for _, command := range o.commands() {
		args = append(args, "--quote", command)
	}
	switch do, rest := strings.CutSuffix(o.Do, " rest"); {
	case do == "get":
		args = append(args, "--output", o.Local)
		if rest {
			args = append(args, "--continue-at", "-")
		}
	case do == "put":
		args = append(args, "--upload-file", o.Local)
		if rest {
			args = append(args, "--continue-at", "-")
		}
	case do == "list" && o.Name != "":
		o.Name += "/"
	case do != "list":
		o.Name = ""
	}
	return ends(t, "curl", append(args, o.url(scheme))...)
}

// commands are those of what moves no data.
func (o fileOrder) commands() []string {
	switch o.Do {
	case "rename":
		return []string{"RNFR " + o.Name, "RNTO " + o.To}
	case "delete":
		return []string{"DELE " + o.Name}
	case "mkdir":
		return []string{"MKD " + o.Name}
	case "rmdir":
		return []string{"RMD " + o.Name}
	}
	return nil
}

// lftp gets a file in three pieces at once, and mirrors with three connections.
func lftp(t *testing.T, o fileOrder) (bool, string) {
	script := "set net:max-retries 1; set net:timeout 20; set cmd:fail-exit true; set ssl:ca-file " + o.CA +
		fmt.Sprintf("; set ftp:passive-mode %v; set ftp:ssl-force %v; set ftp:ssl-allow %[2]v; set ftp:ssl-protect-data true", !o.Active, o.TLS != "")
	open := fmt.Sprintf("; open -u %s,%s %s", o.User, o.Password, (fileOrder{Host: o.Host, Port: o.Port, TLSPort: o.TLSPort, TLS: o.TLS}).url(o.lftpScheme()))
	get, put := "pget -n 3 -- ", "put -- "
	if o.ASCII {
		get, put = "get -a -- ", "put -a -- "
	}
	name, to, local := lftpQuoted(o.Name), lftpQuoted(o.To), lftpQuoted(o.Local)
	do := map[string]string{
		"list": "ls -a " + name, "get": get + name + " -o " + local, "put": put + local + " -o " + name,
		"get rest": "get -c -- " + name + " -o " + local, "put rest": "put -c -- " + local + " -o " + name,
		"rename": "mv " + name + " " + to, "delete": "rm " + name, "mkdir": "mkdir " + name, "rmdir": "rmdir " + name,
		"mirror": "mirror --parallel=3 " + name + " " + local, "mirror back": "mirror -R --parallel=3 " + local + " " + name,
	}[o.Do]
	return ends(t, "lftp", "--norc", "-d", "-c", script+open+"; "+do)
}

func (o fileOrder) lftpScheme() string {
	if o.TLS == "implicit" {
		return "ftps"
	}
	return "ftp"
}

// lftpQuoted is a word of lftp's.
func lftpQuoted(s string) string {
	return `"` + regexp.MustCompile(`[\\"]`).ReplaceAllString(s, `\$0`) + `"`
}

// ncftp is three programs, which are told where files go as folders.
func ncftp(t *testing.T, o fileOrder) (bool, string) {
	args := []string{"-u", o.User, "-p", o.Password, "-P", o.Port, "-t", "20", "-r", "0", "-d", "/dev/stdout"}
	if o.Active {
		args = append(args, "-E")
	} else {
		args = append(args, "-F")
	}
	if o.ASCII {
		args = append(args, "-a")
	}
	for _, command := range o.commands() {
		args = append(args, "-W", command)
	}
	switch o.Do {
	case "get":
		return ends(t, "ncftpget", append(args, "-Z", "-C", o.Host, o.Name, o.Local)...)
	case "get rest":
		return ends(t, "ncftpget", append(args, "-z", "-C", o.Host, o.Name, o.Local)...)
	case "put":
		return ends(t, "ncftpput", append(args, "-Z", "-C", o.Host, o.Local, o.Name)...)
	case "put rest":
		return ends(t, "ncftpput", append(args, "-z", "-C", o.Host, o.Local, o.Name)...)
	case "mirror":
		return ends(t, "ncftpget", append(args, "-R", o.Host, filepath.Dir(o.Local), o.Name)...)
	case "mirror back":
		return ends(t, "ncftpput", append(args, "-R", o.Host, ".", o.Local)...)
	case "list":
		args = append(args, "-l", "-a")
	default:
		o.Name = ""
	}
	return ends(t, "ncftpls", append(args, o.url("ftp")+"/")...)
}

// tnftp is BSD's ftp.
func tnftp(t *testing.T, o fileOrder) (bool, string) {
	mode := "-p"
	if o.Active {
		mode = "-A"
	}
	return types(t, o, "tnftp", "-n", "-v", "-i", "-d", mode)
}

func inetutilsFTP(t *testing.T, o fileOrder) (bool, string) {
	mode := "--passive"
	if o.Active {
		mode = "--active"
	}
	return types(t, o, "inetutils-ftp", "-n", "-v", "-i", "-d", mode)
}

// types has a program do what is typed. It has done it if the last reply before the
// goodbye says so.
func types(t *testing.T, o fileOrder, name string, args ...string) (bool, string) {
	t.Helper()
	p := start(t, name, args...)
	p.Say("open " + o.Host + " " + o.Port)
	p.Say("user " + o.User + " " + o.Password)
	mode := "binary"
	if o.ASCII {
		mode = "ascii"
	}
	p.Say(mode)
	file, to, local := bsdQuoted(o.Name), bsdQuoted(o.To), bsdQuoted(o.Local)
	p.Say(map[string]string{
		"list": "ls " + file, "get": "get " + file + " " + local, "put": "put " + local + " " + file,
		"get rest": "reget " + file + " " + local, "put rest": "restart 400000\nput " + local + " " + file,
		"rename": "rename " + file + " " + to, "delete": "delete " + file, "mkdir": "mkdir " + file, "rmdir": "rmdir " + file,
	}[o.Do])
	p.Say("bye")
	p.Ends()
	replies := regexp.MustCompile(`(?m)^\d\d\d `).FindAllString(p.Said(), -1)
	return len(replies) > 1 && replies[len(replies)-2][0] == '2', p.Said()
}

// wget goes on with a file that is there.
func wget(t *testing.T, o fileOrder) (bool, string) {
	args := []string{"--debug", "--no-config", "--no-proxy", "--tries=1", "--timeout=20", "--no-glob", "--user=" + o.User, "--password=" + o.Password}
	scheme := "ftp"
	if o.TLS != "" {
		scheme = "ftps"
		args = append(args, "--ca-certificate="+o.CA)
	}
	if o.TLS == "implicit" {
		args = append(args, "--ftps-implicit")
	}
	if o.Active {
		args = append(args, "--no-passive-ftp")
	}
	to := o.url(scheme)
	switch o.Do {
	case "list":
		args, to = append(args, "--output-document=-"), strings.TrimSuffix(to, "/")+"/"
	case "get":
		args = append(args, "--output-document="+o.Local)
	case "get rest":
		args = append(args, "--output-document="+o.Local, "--continue")
	case "mirror":
		args, to = append(args, "--recursive", "--no-host-directories", "--directory-prefix="+filepath.Dir(o.Local)), to+"/"
	}
	if o.ASCII {
		to += ";type=a"
	}
	return ends(t, "wget", append(args, to)...)
}

// busyboxFTP has a program for each way.
func busyboxFTP(t *testing.T, o fileOrder) (bool, string) {
	args := []string{"-v", "-u", o.User, "-p", o.Password, "-P", o.Port}
	switch o.Do {
	case "put":
		return ends(t, "busybox", append(append([]string{"ftpput"}, args...), "--", o.Host, o.Name, o.Local)...)
	case "get rest":
		args = append(args, "-c")
	}
	return ends(t, "busybox", append(append([]string{"ftpget"}, args...), "--", o.Host, o.Local, o.Name)...)
}

// bsdQuoted is a word of BSD's ftp.
func bsdQuoted(s string) string {
	return regexp.MustCompile(`[^\pL\d./]`).ReplaceAllString(s, `\$0`)
}
