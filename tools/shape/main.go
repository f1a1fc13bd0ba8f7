// Shape prints how long the functions and files of a source tree are, by
// folder: tests and modules inside the tree left out.
//
//	go run ./shape [folder]
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Longer ones than these are listed one by one.
const (
	longFunction = 50
	longFile     = 400
)

// lengths are the numbers of lines of a folder's functions and files.
type lengths struct{ functions, files []int }

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	folders, long, err := survey(root)
	if err != nil {
		log.Fatal(err)
	}
	var all lengths
	fmt.Printf("%-24s %26s   %26s\n", "lines", "functions", "files")
	fmt.Printf("%-24s %5s %6s %6s %6s   %5s %6s %6s %6s\n", "", "n", "median", "p90", "max", "n", "median", "p90", "max")
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		l := folders[name]
		row(name, l)
		all.functions = append(all.functions, l.functions...)
		all.files = append(all.files, l.files...)
	}
	row("all", &all)
	for _, s := range long {
		fmt.Println("long:", s)
	}
}

func survey(root string) (folders map[string]*lengths, long []string, err error) {
	folders = map[string]*lengths{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && inner(path):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		name, _ := filepath.Rel(root, filepath.Dir(path))
		if folders[name] == nil {
			folders[name] = &lengths{}
		}
		more, err := measure(path, folders[name])
		long = append(long, more...)
		return err
	})
	return folders, long, err
}

// inner reports whether a folder is hidden, or data, or a module of its own.
func inner(path string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	base := filepath.Base(path)
	return err == nil || base == "testdata" || base[0] == '.'
}

// measure adds a file to l and returns what in it is too long.
func measure(path string, l *lengths) (long []string, err error) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	n := set.File(f.Pos()).LineCount()
	l.files = append(l.files, n)
	if n > longFile {
		long = append(long, fmt.Sprintf("%s: %d lines", path, n))
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1
		l.functions = append(l.functions, n)
		if n > longFunction {
			long = append(long, fmt.Sprintf("%s: %s, %d lines", set.Position(fn.Pos()), fn.Name.Name, n))
		}
	}
	return long, nil
}

func row(name string, l *lengths) {
	fmt.Printf("%-24s", name)
	for _, v := range [][]int{l.functions, l.files} {
		slices.Sort(v)
		fmt.Printf(" %5d %6d %6d %6d  ", len(v), at(v, .5), at(v, .9), at(v, 1))
	}
	fmt.Println()
}

// at returns the quantile q of the sorted values v, 0 if there are none.
func at(v []int, q float64) int {
	if len(v) == 0 {
		return 0
	}
	return v[min(int(q*float64(len(v))), len(v)-1)]
}
