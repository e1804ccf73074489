// A module proxy: the goproxy module with its own fetcher and its own cache, a folder. Started by goproxy.ts, which builds it.
// Its environment says, as that of the go command would, where it gets modules from and which checksum database it believes.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/goproxy/goproxy"
)

func main() {
	address, folder := os.Args[1], os.Args[2]
	proxy := &goproxy.Goproxy{Fetcher: &goproxy.GoFetcher{TempDir: folder}, Cacher: goproxy.DirCacher(folder + "/cache"), TempDir: folder}
	log.Fatal(http.ListenAndServe(address, proxy))
}
