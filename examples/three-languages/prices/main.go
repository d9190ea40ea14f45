// Prices, in Go: answers GET /price/<item> with the price of an item in pence.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

var prices = map[string]int{"tea": 320, "coffee": 540, "cocoa": 410}

func main() {
	http.HandleFunc("GET /price/{item}", func(w http.ResponseWriter, r *http.Request) {
		pence, known := prices[r.PathValue("item")]
		if !known {
			http.Error(w, "no such item", http.StatusNotFound)
			return
		}
		w.Header().Set("content-type", "application/json")
		json.NewEncoder(w).Encode(map[string]int{"pence": pence})
	})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		fmt.Println("prices: closing")
		os.Exit(0)
	}()
	port := os.Getenv("APP_PORT")
	fmt.Println("prices: on", port)
	if err := http.ListenAndServe("127.0.0.1:"+port, nil); err != nil {
		fmt.Fprintln(os.Stderr, "prices:", err)
		os.Exit(1)
	}
}
