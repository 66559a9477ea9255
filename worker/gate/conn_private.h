/* SPDX-License-Identifier: ISC */
/* The inside of a connection, for the files that make it: conn.c, talk.c, handshake.c, pump.c,
 * transport.c, accept.c. */
#ifndef POSTERN_WORKER_GATE_CONN_PRIVATE_H
#define POSTERN_WORKER_GATE_CONN_PRIVATE_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <time.h>

#include "worker/gate/admission.h"
#include "worker/gate/gate.h"
#include "worker/gate/tls.h"

struct evbuffer;
struct pump;

/* Each state has one step function in conn.c's table; connections move downwards only, but for
 * TALKING, STARTING_TLS, HANDSHAKE, TALKING. */
enum conn_state {
	CONN_ADMITTING,    /* the master has been asked */
	CONN_HOLDING,      /* the greeting waits (defence.h): who talks now is no mail server */
	CONN_HANDSHAKE,    /* TLS begins, or is awaited */
	CONN_TALKING,      /* the protocol has the word */
	CONN_STARTING_TLS, /* its last plaintext reply is being written */
	CONN_PUMPING,      /* logged in: bytes go to the session process and back */
	CONN_FLUSHING,     /* the last bytes are being written */
	CONN_LINGERING,    /* written: the peer's close is awaited, so that it can read them */
	CONN_CLOSED,       /* freed at the end of its turn */
	CONN_STATE_COUNT
};

/* A ClientHello's first byte, RFC 8446 5.1: no command begins so. */
#define RECORD_HANDSHAKE 22

/* Output that is not yet written: above this, the peer has to read before it is heard again. */
#define OUTPUT_BACKLOG 16384
/* How often one connection reads before others have a turn. */
#define ROUNDS_A_TURN 4

struct conn {
	TAILQ_ENTRY(conn) entry;
	TAILQ_ENTRY(conn) scheduled_entry;
	struct gate *gate;
	struct listener *listener;
	struct event event; /* of the client's socket */
	struct deadline deadline;
	struct deadline penalty; /* running: replies are held back */
	struct tls *tls;
	void *state;             /* the protocol's */
	struct evbuffer *output; /* NULL while empty */
	char *input;             /* what came and is not used up, exactly as long */
	struct pump *pump;
	struct admission *admission;
	const char *why; /* it ends */
	uint64_t bytes_in;
	uint64_t bytes_out;
	conn_id id;
	time_t started; /* CLOCK_MONOTONIC seconds */
	struct peer peer;
	uint32_t input_length;
	uint32_t errors; /* towards the delay of replies */
	uint32_t credit; /* octets since the quiet time last began anew */
	int fd;
	short watched; /* EV_READ | EV_WRITE as registered */
	short wanted;  /* as this turn found out */
	enum conn_state state_now;
	bool logged;     /* conn.accepted has been said */
	bool talked;     /* the protocol's open() was called, closed() was not */
	bool first_seen; /* the first byte has been looked at */
	bool heard;      /* the protocol has used up something that came */
	bool paused;
	bool secured; /* this handshake comes after STARTTLS */
	bool refused; /* never got in */
	bool early;   /* it talked before the greeting, which has been noted */
	bool peer_closed;
	bool scheduled;
	bool running;
};

/* -- conn.c -- */

/* Takes FD. NULL (FD closed) when there is no memory. */
struct conn *conn_new(struct listener *, int fd, const struct peer *);
/* The master's word, or MG_ADMIT_OK where it need not be asked. */
void conn_admitted(struct conn *, enum mg_verdict);
/* Writes FAREWELL instead of a greeting (or an alert, where plaintext is not spoken), and closes.
 */
void conn_refuse(struct conn *, const char *farewell, const char *why);
/* Gives it a turn: does all that can be done without waiting. It may be freed. */
void conn_run(struct conn *);
/* Has it run when the loop comes round, unless it is running. */
void conn_schedule(struct conn *);
/* The same, though it is: others shall have a turn first. */
void conn_yield(struct conn *);
/* Ends it without another word. WHY, unless it has a reason already. */
void conn_abort(struct conn *, const char *why);
/* Ends it: what is queued is written first. */
void conn_end(struct conn *, const char *why);
/* The gate drains: ends it if nothing is under way. */
void conn_drain(struct conn *);
/* At once, whatever it is doing. */
void conn_free(struct conn *);
/* The protocol begins. */
void conn_open(struct conn *);
/* The time in which the client has to say something whole begins anew. */
void conn_start_quiet_time(struct conn *);
/* Calls the protocol's closed(), once. */
void conn_close_protocol(struct conn *);
/* A deadline passed: what that means depends on the state. */
void conn_deadline_passed(struct deadline *);
/* Its greeting is due; its replies are held back no longer. */
void conn_greeting_due(struct deadline *);
void conn_penalty_over(struct deadline *);
/* True while replies are held back: nothing is written, nothing is heard. */
bool conn_is_held_back(const struct conn *);
/* The greeting may have to wait: CONN_HOLDING, or conn_open() at once. */
void conn_hold_greeting(struct conn *);

/* -- handshake.c, hold.c, talk.c, pump.c: steps -- */

void conn_handshake(struct conn *);
/* certd has answered; ARG is the connection. */
void conn_wake(void *arg);
/* A TLS alert in plain sight (RFC 8446 6), to a peer that has not begun a handshake. */
void conn_send_alert(struct conn *, uint8_t description);
#define ALERT_UNEXPECTED_MESSAGE 10
#define ALERT_ACCESS_DENIED 49
#define ALERT_INTERNAL_ERROR 80

void conn_holding(struct conn *);
void conn_talk(struct conn *);
/* True if the protocol has nothing under way: it may be told to go. */
bool conn_is_idle(struct conn *);

/* Takes STREAM. -1 with errno set. */
int pump_open(struct conn *, int stream);
void pump_free(struct pump *);
void conn_pump(struct conn *);

/* -- transport.c -- */

/* As tls_read() and tls_write(), over TLS or not. What they wait for is added to wanted. */
enum tls_result conn_read(struct conn *, void *buffer, size_t size, size_t *done);
/* Writes what is queued: TLS_OK when nothing is left. */
enum tls_result conn_flush(struct conn *);
/* The same, with BYTES behind it; what can't be written now is queued. */
enum tls_result conn_send(struct conn *, const void *bytes, size_t length);
size_t conn_backlog(const struct conn *);
/* Queues; aborts the connection when there is no memory. */
void conn_output(struct conn *, const void *bytes, size_t length);
/* Registers the events that are wanted. */
void conn_watch(struct conn *);
/* What to say of a failed read or write. */
const char *conn_failure(const struct conn *);

#endif
