package rwhttp_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"time"

	"github.com/rwsplit/rwsplit"
	"github.com/rwsplit/rwsplit/rwhttp"
)

// Two instances of an application behind one address, while replication has
// stopped: a user reads his own write on either, other users stay on a replica.
func ExampleMiddleware() {
	cluster := newCluster("shop", 2)
	keys := [][]byte{[]byte("32 random bytes from your vault!")}

	instance := func() http.Handler {
		db := cluster.open()
		session, err := rwhttp.Middleware(db, rwhttp.Options{
			CookieKeys:   keys,
			CookieSecure: rwsplit.ToggleOff, // the example has no TLS
		})
		if err != nil {
			log.Fatal(err)
		}
		mux := http.NewServeMux()
		mux.HandleFunc("POST /banner", func(_ http.ResponseWriter, r *http.Request) {
			if _, err := db.ExecContext(r.Context(), "UPDATE version"); err != nil {
				log.Fatal(err)
			}
		})
		mux.HandleFunc("GET /banner", func(w http.ResponseWriter, r *http.Request) {
			printBanner(r.Context(), db)
		})
		return session(mux)
	}
	one, two := httptest.NewServer(instance()), httptest.NewServer(instance())
	defer one.Close()
	defer two.Close()

	jar, _ := cookiejar.New(nil)
	user := &http.Client{Jar: jar}
	get(user, two.URL+"/banner")
	post(user, one.URL+"/banner")
	get(user, two.URL+"/banner")
	get(http.DefaultClient, two.URL+"/banner") // somebody else
	// Output:
	// version 0, from a replica
	// version 1, from the primary
	// version 0, from a replica
}

// Service a writes and calls service b, whose reads see the write.
func ExampleTransport() {
	cluster := newCluster("shop", 2)

	// Service b believes the token of whoever can reach it.
	b := cluster.open()
	session, err := rwhttp.Middleware(b, rwhttp.Options{
		Trusted: func(*http.Request) bool { return true },
	})
	if err != nil {
		log.Fatal(err)
	}
	service := httptest.NewServer(session(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		printBanner(r.Context(), b)
	})))
	defer service.Close()

	// Service a.
	a := cluster.open()
	client := &http.Client{Transport: &rwhttp.Transport{DB: a, Hosts: []string{"127.0.0.1"}}}
	ctx := rwsplit.WithSession(context.Background())
	if _, err := a.ExecContext(ctx, "UPDATE version"); err != nil {
		log.Fatal(err)
	}
	r, err := http.NewRequestWithContext(ctx, "GET", service.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	res, err := client.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	_ = res.Body.Close()
	get(http.DefaultClient, service.URL) // a call without a token
	// Output:
	// version 1, from the primary
	// version 0, from a replica
}

// A job carries the token of the request that made it, so that the worker, in
// another process, sees what the request wrote.
func Example_job() {
	type job struct {
		Banner int
		Token  string // see rwsplit.Token
	}
	cluster := newCluster("shop", 2)

	// The process that makes the job: first the write, then the token.
	web := cluster.open()
	ctx := rwsplit.WithSession(context.Background())
	if _, err := web.ExecContext(ctx, "UPDATE version"); err != nil {
		log.Fatal(err)
	}
	token, err := rwsplit.Token(ctx, web)
	if err != nil {
		log.Fatal(err)
	}
	payload, _ := json.Marshal(job{Banner: 1, Token: token})

	// The worker.
	worker := cluster.open()
	work := func(payload []byte) {
		var j job
		if err := json.Unmarshal(payload, &j); err != nil {
			log.Fatal(err)
		}
		printBanner(rwsplit.WithToken(context.Background(), j.Token), worker)
	}
	work(payload)

	// The replicas catch up, and the worker learns of it.
	cluster.replay()
	cluster.learned(worker)
	work(payload)
	// Output:
	// version 1, from the primary
	// version 1, from a replica
}

// printBanner reads and says where.
func printBanner(ctx context.Context, db *sql.DB) {
	s, err := read(ctx, db)
	if err != nil {
		log.Fatal(err)
	}
	where := "the primary"
	if s.Replica {
		where = "a replica"
	}
	fmt.Printf("version %d, from %s\n", s.Version, where)
}

func get(c *http.Client, url string) {
	res, err := c.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	_ = res.Body.Close()
}

func post(c *http.Client, url string) {
	res, err := c.Post(url, "text/plain", nil)
	if err != nil {
		log.Fatal(err)
	}
	_ = res.Body.Close()
}

// open is openDB for examples.
func (c *cluster) open() *sql.DB {
	connector, err := rwsplit.NewConnector(c.config())
	if err != nil {
		log.Fatal(err)
	}
	db := sql.OpenDB(connector)
	opened = append(opened, db)
	c.learned(db)
	return db
}

// opened is closed by TestMain: an example has no place for it.
var opened []*sql.DB

// learned waits until db knows what the replicas have.
func (c *cluster) learned(db *sql.DB) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.await(ctx, db); err != nil {
		log.Fatal(err)
	}
}
