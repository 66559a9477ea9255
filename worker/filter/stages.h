/* SPDX-License-Identifier: ISC */
/*
 * stages - what is done with a mail, in order: a table (stages.c) of stages, each in a file of its
 * own. check.c runs them over one mail, one after the other, and sends the verdict.
 *
 * A stage is started with the mail (struct check): it looks at message and envelope, asks (DNS by
 * dns_ask(), sockets on check->filter->base), says what it found by the functions below, and calls
 * check_next(), from start() or later from the loop, exactly once. Until then it may be cancelled:
 * it then forgets its questions and frees what it has, and doesn't call check_next().
 *
 * A stage never waits without a bound of its own: who sends a mail chooses many of the names that
 * DNS is asked for, and how slowly they answer, and takes no time that way from the stages behind.
 * What can't be found out is AUTH_TEMPERROR, not an end.
 *
 * When the mail's time is over all the same (CHECK_SECONDS) it is put off; or, if settings.failure
 * says so, goes on: but for stages that wait for others, which are cancelled, or not begun, and say
 * what that means (skip).
 */
#ifndef POSTERN_WORKER_FILTER_STAGES_H
#define POSTERN_WORKER_FILTER_STAGES_H

#include <stdarg.h>

#include "common/proto/master_filter.h"
#include "common/proto/queue_filter.h"
#include "worker/dns/resolver.h"
#include "worker/filter/message.h"

#define CHECK_SECONDS 90 /* for all stages together */
#define LATE_SECONDS \
	20 /* and so long, when those are over, for those that wait for this host only */
#define ROOM_SECONDS 30 /* then queue has a file for a message that has changed */
_Static_assert(CHECK_SECONDS + LATE_SECONDS + ROOM_SECONDS < QF_CHECK_SECONDS,
	       "queue waits for the verdict");

/* What DNS may take. SPF: RFC 7208 4.6.4 wants 20 at least; of the HELO name not much depends. */
#define HOST_SECONDS 8
#define SPF_HELO_SECONDS 6
#define SPF_MAIL_FROM_SECONDS 20
#define DKIM_SECONDS 10    /* all keys at once, and the body */
#define ARC_SECONDS 8      /* all keys of a chain */
#define DMARC_SECONDS 8    /* all authors' domains */
#define MILTERS_SECONDS 30 /* are left for milters, at least */
_Static_assert(HOST_SECONDS + SPF_HELO_SECONDS + SPF_MAIL_FROM_SECONDS + DKIM_SECONDS +
		       ARC_SECONDS + DMARC_SECONDS + MILTERS_SECONDS <=
		   CHECK_SECONDS,
	       "no stage's time is another's");

LIST_HEAD(check_list, check_private);

/* What the checks of the process share. */
struct filter {
	struct child *child;
	struct event_base *base;
	struct mf_settings settings;
	struct ipc_channel *control; /* to the master */
	struct resolver *resolver;
	struct ipc_channel *queue; /* NULL while it is being restarted */
	struct check_list checks;
	size_t check_count;
};

/* RFC 8601 2.7: what the methods call their results. */
enum auth_result {
	AUTH_NONE,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL,
	AUTH_POLICY,
	AUTH_NEUTRAL,
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
};
const char *auth_result_name(enum auth_result);

/* One signature of the mail (RFC 6376), in the order of the header. */
#define DKIM_SIGNATURES_MAX 8 /* that are looked at */
struct dkim_result {
	enum auth_result result;
	char domain[HOST_NAME_SIZE];   /* d=, lower case; "" if it has none */
	char selector[HOST_NAME_SIZE]; /* s= */
};

/* The mail as its stages see it. Strings are NUL-terminated. */
struct check {
	/* -- Given -- */
	struct filter *filter;
	struct qf_mail mail;    /* conn, id, peer, helo, tls, submitter, kind, ... */
	const char *sender;     /* the reverse-path; "" is the null one */
	const char *recipients; /* forward-paths, one behind the other, a NUL behind each */
	size_t recipient_count;
	struct message *message;
	void *stage; /* the running stage's own; NULL before start() */

	/* -- Found, for the stages that come later -- */
	char client_name[HOST_NAME_SIZE]; /* that its address confirms; "" if there is none */
	bool incomplete; /* there was no memory to find out whether SPF or DKIM pass */
	enum auth_result spf;
	char spf_domain[HOST_NAME_SIZE]; /* whose SPF that is; "" if there is none */
	struct dkim_result dkim[DKIM_SIGNATURES_MAX];
	size_t dkim_count;
	enum auth_result arc;
	/* The author's domain that stood behind the mail, by ARC, as one says who is trusted; or ""
	 */
	char arc_from[HOST_NAME_SIZE];
	/* The same, if DNS did not tell now whether they have said so; or "" */
	char arc_undecided[HOST_NAME_SIZE];

	/* What milters have made of sender and recipients (milter_envelope.h); NULL: nothing. */
	struct milter_envelope *envelope;

	struct check_private *private; /* check.c's */
};

struct stage {
	const char *name; /* in the log */
	unsigned kinds;   /* enum filter_kind, or'ed */
	/* Is there anything to do? NULL: always. */
	bool (*wanted)(const struct check *);
	void (*start)(struct check *);
	/* Before it has called check_next(). NULL if start() always does. */
	void (*cancel)(struct check *);
	/* It waits for this host's processes only: it has LATE_SECONDS more. */
	bool own;
	/* There is no time for it: what that means for the mail. Instead of start(), or before
	 * cancel(). NULL: nothing. */
	void (*skip)(struct check *);
};

/* Ends with a NULL name. */
extern const struct stage *const stages[];

/* -- What a stage says -------------------------------------------------------------------- */

/* It is over: the next one starts, from the loop. */
void check_next(struct check *);

#define CHECK_END ((const char *)NULL)

/*
 * A method's result, for the one Authentication-Results field that all of them share (RFC
 * 8601 2.2). The properties follow, three strings each, and the end: "smtp", "mailfrom",
 * "alice@example.org", CHECK_END. REASON may be NULL. All is copied; what can't stand as it is is
 * quoted.
 */
void check_result(struct check *, const char *method, enum auth_result, const char *reason, ...);

/*
 * What shall become of the mail; the gravest counts, and of equals the first. CODE (400..499 with
 * FILTER_LATER, 500..599 with FILTER_REJECT, else 0), STATUS ("5.7.1", or NULL) and TEXT (printable
 * ASCII; what is not is replaced) are the reply. WHY is for the log. FILTER_DISCARD, FILTER_LATER
 * and FILTER_REJECT end the check after this stage.
 */
void check_verdict(struct check *, enum filter_verdict, unsigned code, const char *status,
		   const char *why, const char *text);
/* LATER or REJECT, by the code, in words of others: LINES, LF between them. */
void check_refuse(struct check *, unsigned code, const char *status, const char *why,
		  const char *lines);
/* It goes to the Junk folder, if it is delivered. */
void check_junk(struct check *, const char *why);

#endif
