package ftp

import (
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"strconv"
	"strings"
)

// path is what the client calls name, in the account's files. Nothing leads above "/".
func (s *session) path(name string) string {
	if !strings.HasPrefix(name, "/") {
		name = s.cwd + "/" + name
	}
	return path.Clean(name)
}

// quoted is a name as replies have it (RFC 959, appendix II).
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (s *session) pwd(string) { s.reply(257, quoted(s.cwd)+" is the current folder") }

func (s *session) cdup(string) { s.cwdTo("..") }

func (s *session) cwdTo(name string) {
	to := s.path(name)
	s.infoOf(to, func(i fs.FileInfo, err error) {
		switch {
		case err != nil:
			s.fail(err)
		case !i.IsDir():
			s.reply(550, "Not a folder")
		default:
			s.cwd = to
			s.reply(250, "Ok")
		}
	})
}

// infoOf asks what is known of a file, by its whole name.
func (s *session) infoOf(of string, then func(fs.FileInfo, error)) {
	files := s.account.Files
	ask(s, func() (fs.FileInfo, error) { return files.Stat(of) }, then)
}

func (s *session) mkd(name string) {
	to, files := s.path(name), s.account.Files
	s.do(deed{what: "ftp: mkdir", path: to}, func() error { return files.Mkdir(to) }, 257, quoted(to)+" was made")
}

func (s *session) rmd(name string) {
	of, files := s.path(name), s.account.Files
	s.do(deed{what: "ftp: rmdir", path: of}, func() error { return files.RemoveDir(of) }, 250, "Removed")
}

func (s *session) dele(name string) {
	of, files := s.path(name), s.account.Files
	s.do(deed{what: "ftp: delete", path: of}, func() error { return files.Remove(of) }, 250, "Removed")
}

// rnfr is the first half of a rename; what is not there is said at once.
func (s *session) rnfr(name string) {
	from := s.path(name)
	s.infoOf(from, func(_ fs.FileInfo, err error) {
		if err != nil {
			s.refuse(deed{what: "ftp: rename", path: from}, err)
			return
		}
		s.renameFrom = from
		s.reply(350, "To what?")
	})
}

func (s *session) rnto(name string) {
	from, to, files := s.renameFrom, s.path(name), s.account.Files
	if from == "" {
		s.wrong(503, "RNFR first")
		return
	}
	s.renameFrom = ""
	replaces := s.account.Allow&Modify != 0
	s.do(deed{what: "ftp: rename", path: from, how: slog.String("to", printable(to))}, func() error {
		if _, err := files.Stat(to); err == nil && !replaces && from != to {
			return fs.ErrPermission
		}
		return files.Rename(from, to)
	}, 250, "Renamed")
}

// size tells how many bytes a transfer has (RFC 3659, section 4), which for text is
// only known when it is over.
func (s *session) size(name string) {
	if !s.image {
		s.reply(550, "The size of text is not known: TYPE I first")
		return
	}
	s.infoOf(s.path(name), func(i fs.FileInfo, err error) {
		switch {
		case err != nil:
			s.fail(err)
		case !i.Mode().IsRegular():
			s.fail(ErrNotRegular)
		default:
			s.reply(213, strconv.FormatInt(i.Size(), 10))
		}
	})
}

// mdtm tells when a file was changed (RFC 3659, section 3).
func (s *session) mdtm(name string) {
	s.infoOf(s.path(name), func(i fs.FileInfo, err error) {
		if err != nil {
			s.fail(err)
			return
		}
		s.reply(213, string(appendTimeVal(nil, i.ModTime())))
	})
}

// mfmt says when it is to have been changed (draft-somers-ftp-mfxx).
func (s *session) mfmt(arg string) {
	stamp, name, ok := strings.Cut(arg, " ")
	when, valid := parseTimeVal(stamp)
	if !ok || !valid || name == "" {
		s.wrong(501, "Syntax: MFMT YYYYMMDDHHMMSS name")
		return
	}
	of, files := s.path(name), s.account.Files
	s.do(deed{what: "ftp: touch", path: of, how: slog.Time("modified", when)}, func() error { return files.Chtimes(of, when) }, 213, "Modify="+string(appendTimeVal(nil, when))+"; "+of)
}

// site has what the standard does not.
func (s *session) site(arg string) {
	name, rest, _ := strings.Cut(arg, " ")
	switch strings.ToUpper(name) {
	case "CHMOD":
		s.chmod(rest)
	case "HELP":
		s.reply(214, "SITE CHMOD mode name\nSITE HELP\nEnd")
	default:
		s.wrong(504, "Not known: SITE HELP")
	}
}

func (s *session) chmod(arg string) {
	octal, name, _ := strings.Cut(arg, " ")
	mode, err := strconv.ParseUint(octal, 8, 16)
	if err != nil || mode > 0o777 || name == "" {
		s.wrong(501, "Syntax: SITE CHMOD mode name")
		return
	}
	of, files := s.path(name), s.account.Files
	d := deed{what: "ftp: chmod", path: of, how: slog.String("mode", fmt.Sprintf("%03o", mode))}
	if s.account.Allow&Modify == 0 {
		s.refuse(d, fs.ErrPermission)
		return
	}
	s.do(d, func() error { return files.Chmod(of, fs.FileMode(mode)) }, 200, "Ok")
}
