package ftp_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/torsion-go/torsion/protocols/ftp"
)

// A folder with a quota, as a Backend gives it to whoever logs in.
func ExampleRoot() {
	dir, _ := os.MkdirTemp("", "")
	defer os.RemoveAll(dir)
	files := &ftp.Root{Dir: dir, Quota: 1 << 20}
	defer files.Close()
	login := ftp.BackendFunc(func(_ *ftp.Peer, user, password string) (*ftp.Account, error) {
		return &ftp.Account{Files: files, Allow: ftp.ReadWrite}, nil
	})

	// What a session does for a client that sends a file, and asks for one it may not have:
	account, _ := login.Login(nil, "ann", "secret")
	u, _ := account.Files.Create("/hello.txt", false)
	io.WriteString(u, "Hello, World\n")
	_, err := account.Files.Stat("/hello.txt")
	fmt.Println(err)
	fmt.Println(u.Commit(), u.Close())
	_, err = account.Files.Open("/../etc/passwd")
	fmt.Println(err)

	text, _ := os.ReadFile(dir + "/hello.txt")
	fmt.Printf("%s", text)
	// Output:
	// stat /hello.txt: no such file or directory
	// <nil> <nil>
	// open /../etc/passwd: invalid argument
	// Hello, World
}

// Files for a test, which are gone with it.
func ExampleMemory() {
	var files ftp.Memory
	files.Mkdir("/pub")
	files.WriteFile("/pub/hello.txt", []byte("Hello, World\n"))

	files.ReadDir("/pub", func(info fs.FileInfo) bool {
		text, _ := files.ReadFile("/pub/" + info.Name())
		fmt.Printf("%s: %s", info.Name(), text)
		return true
	})
	// Output: hello.txt: Hello, World
}
