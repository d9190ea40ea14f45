// Load from outside the measured process, and an app that costs little: `load
// http`, `load grpc` and `load app`. Each load prints one line of JSON.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: load http|grpc|app [flags]")
	}
	run, known := map[string]func([]string){"http": httpLoad, "grpc": grpcLoad, "app": app}[os.Args[1]]
	if !known {
		fail("there is no load %q; known: http, grpc, app", os.Args[1])
	}
	run(os.Args[2:])
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
