// Package rwhttp carries rwsplit sessions through net/http: a request sees what
// the same user's previous request wrote, and what the services it called
// wrote, on whatever instance and however far the replicas are behind.
//
// [Middleware] opens a session for each request (see [rwsplit.WithSession]).
// If the request wrote, its response hands the client a token: in a signed
// cookie, which the browser brings back with its next requests, and in a header
// for services that one trusts. A request that brings a token reads from a
// replica that has replayed what the token stands for, else from the primary.
// [Transport] does the same for outgoing requests.
//
// # What it guarantees
//
//   - A request that began after the response that carried the cookie had
//     arrived sees what the request of that response wrote through the db,
//     until the cookie expires ([Options.TTL]).
//   - A cookie or token that was changed, cut short, comes from elsewhere, is
//     too long or has expired never makes a read stale: the request's reads run
//     on the primary. So the most that a forger gets is the primary instead of
//     a replica, for his own requests.
//   - A request that only reads asks no server anything, and its response
//     carries no cookie.
//
// # Limits
//
//   - The cookie and the header go out with the first byte of the response. A
//     write, or a commit, after that comes too late for them. The header has a
//     trailer that takes its place; for the cookie nothing can. Such a request
//     is logged and [Options.OnLateWrite] is called.
//   - Two responses that overlap each set the cookie, and the browser keeps the
//     one that came last. What the other one's request wrote is then seen as
//     soon as the replicas have it.
//   - Reads do not go back in time within a request. Between requests on
//     different instances they may, as far as nobody wrote in them.
//   - Where the engine gives no positions, a token means the primary for
//     sticky_for, which is a guess.
//   - With consistency=eventual there are no sessions: nothing is handed out
//     and nothing that is handed in is heeded.
//   - A token names replication positions. It holds no secret, but tells whoever
//     decodes it how much the cluster has written.
package rwhttp
