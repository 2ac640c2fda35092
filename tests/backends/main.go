// go run . PORT URL; the package kaimen is sdk/backend/go, copied beside this file.
package main

import (
	"encoding/json"
	"log"
	"net/http"
	"net/url"
	"os"

	"sample/kaimen"
)

func page(w http.ResponseWriter, r *http.Request) {
	var identity any
	if who, ok := kaimen.From(r.Context()); ok {
		identity = map[string]any{"user": who.User, "session": who.Session, "app": who.App, "openid": who.OpenID, "unionid": who.UnionID,
			"external_id": who.ExternalID, "roles": append([]string{}, who.Roles...), "env": who.Env, "registered": who.Registered, "expires": who.Expires.Unix()}
		if who.Actor != "" {
			identity.(map[string]any)["actor"] = who.Actor
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"identity": identity, "headers": r.Header})
}

func main() {
	for path, check := range map[string]url.Values{"/plain": nil, "/optional": {"optional": {"true"}}, "/editor": {"role": {"editor"}}} {
		options := kaimen.Options{URL: os.Args[2], Check: check, Key: os.Getenv("KAIMEN_TEST_KEY"), TicketHeaders: []string{"X-My-Ticket"}}
		only, err := kaimen.New(options)
		if err != nil {
			log.Fatal(err)
		}
		http.Handle(path, only(http.HandlerFunc(page)))
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
