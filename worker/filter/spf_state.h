/* SPDX-License-Identifier: ISC */
/* spf_state - what the files of check_host() (spf.c, spf_terms.c, spf_answers.c) share. */
#ifndef POSTERN_WORKER_FILTER_SPF_STATE_H
#define POSTERN_WORKER_FILTER_SPF_STATE_H

#include "worker/filter/spf.h"
#include "worker/filter/spf_macro.h"

/* 4.6.4 */
#define TERMS_MAX 10
#define VOIDS_MAX 2
#define HOSTS_MAX 10 /* of an MX, of a PTR */
/* Each include costs one of the terms. */
#define FRAMES_MAX (TERMS_MAX + 1)

/* A domain whose record is being evaluated. */
struct frame {
	char domain[HOST_NAME_SIZE];
	char *text; /* its record, which the others refer to; NULL until it is there */
	struct spf_record record;
	enum spf_result qualifier; /* of the "include" that waits for this one */
	bool redirected;
};

struct names {
	size_t count;
	size_t next; /* the one that is asked about */
	char list[HOSTS_MAX][HOST_NAME_SIZE];
};

enum step {
	STEP_RUN,     /* through the terms */
	STEP_RECORD,  /* TXT of the newest frame's domain */
	STEP_ADDRESS, /* of "a" */
	STEP_MX,
	STEP_MX_ADDRESS, /* of mx.list[mx.next] */
	STEP_EXISTS,
	STEP_PTR,         /* of the client, for "ptr" and macro p */
	STEP_PTR_ADDRESS, /* of ptr.list[ptr.next] */
	STEP_EXPLANATION,
	STEP_DONE,
	STEPS
};

struct spf {
	struct in6_addr address;
	bool v4;
	char local[ADDRESS_SIZE], domain[HOST_NAME_SIZE], sender[ADDRESS_SIZE + HOST_NAME_SIZE];
	char helo[HOST_NAME_SIZE], receiver[HOST_NAME_SIZE], time[24];
	char dotted[4 * 16], readable[INET6_ADDRSTRLEN];

	enum step step;
	struct spf_question question;
	struct spf_term term; /* the one that is evaluated */
	struct frame frames[FRAMES_MAX];
	size_t depth; /* of them, the last is the newest */
	unsigned terms, voids;
	bool term_was_void;
	struct names mx;
	struct names ptr; /* the client's names; once known, those that lead back to it */
	bool ptr_known;
	void (*ptr_for)(struct spf *);              /* what needs them */
	char explanation[2 * SPF_EXPLANATION_SIZE]; /* as it is published */
	struct spf_verdict verdict;
};

/* -- spf.c: ends and questions ---------------------------------------------------------------- */

struct frame *spf_top(struct spf *);
/* A directive decided: the newest frame has its result. */
void spf_frame_ends(struct spf *, enum spf_result);
/* Ends with a result that no directive gave; WHY and WHOM are told. */
void spf_break_off(struct spf *, enum spf_result, const char *why, struct mime_text whom);
struct mime_text spf_text(const char *string);
void spf_ask(struct spf *, enum step, const char *name, enum spf_type);
/* A or AAAA, as the client. */
enum spf_type spf_address_type(const struct spf *);
/* Asks for the client's names (5.5); THEN goes on once they are known. */
void spf_ask_names(struct spf *, void (*then)(struct spf *));
/* Is the client's name needed for that, and not known? Then it is asked for. */
bool spf_must_ask_names(struct spf *, struct mime_text spec, void (*then)(struct spf *));
/* What macros stand for, in the newest frame. */
struct spf_values spf_values(struct spf *);
/* The target-name of 4.8: of a domain-spec, or the frame's domain. False: it is none. */
bool spf_target(struct spf *, struct mime_text spec, char name[HOST_NAME_SIZE]);
/* 6.2: asks for the explanation of a fail. */
void spf_explain(struct spf *);

/* -- spf_terms.c ------------------------------------------------------------------------------ */

/* Goes on through the terms, until there is a question or the end. */
void spf_run(struct spf *);
/* The directive matches, or the next one is looked at. */
void spf_matched(struct spf *, bool match);
/* Has NAME labels in front of DOMAIN? */
bool spf_is_below(const char *name, const char *domain);
bool spf_is_within(const struct in6_addr *, const struct in6_addr *network, unsigned bits);

#endif
