/* SPDX-License-Identifier: ISC */
#include "worker/queue/limit.h"

#include <sys/tree.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/submit_limits.h"

#define MINUTES 60

struct sent {
	uint32_t messages;
	uint32_t recipients;
};

struct sender {
	RB_ENTRY(sender) entry;
	uint64_t minute; /* the last one counted in */
	struct sent by_minute[MINUTES];
	char account[];
};
RB_HEAD(senders, sender);

struct limiter {
	struct senders senders;
	uint64_t swept; /* the minute in which who is silent was last forgotten */
};

static int
compare(const struct sender *a, const struct sender *b)
{
	return strcmp(a->account, b->account);
}

RB_GENERATE_INTERNAL(senders, sender, entry, compare, static __attribute__((unused)))

struct limiter *
limiter_new(void)
{
	return calloc(1, sizeof(struct limiter));
}

static void
forget(struct limiter *limiter, struct sender *sender)
{
	RB_REMOVE(senders, &limiter->senders, sender);
	free(sender);
}

void
limiter_free(struct limiter *limiter)
{
	struct sender *sender;

	if (limiter == NULL)
		return;
	while ((sender = RB_ROOT(&limiter->senders)) != NULL)
		forget(limiter, sender);
	free(limiter);
}

/* Forgets who has sent nothing for an hour; once in an hour is enough. */
static void
sweep(struct limiter *limiter, uint64_t minute)
{
	struct sender *sender, *next;

	if (minute < limiter->swept + MINUTES)
		return;
	limiter->swept = minute;
	RB_FOREACH_SAFE (sender, senders, &limiter->senders, next) {
		if (minute >= sender->minute + MINUTES)
			forget(limiter, sender);
	}
}

/* The account's counts, with those that are older than an hour taken away; NULL without memory. */
static struct sender *
counts_of(struct limiter *limiter, const char *account, uint64_t minute)
{
	size_t size = strlen(account) + 1;
	struct sender *key = calloc(1, sizeof(*key) + size), *sender;

	if (key == NULL)
		return NULL;
	memcpy(key->account, account, size);
	key->minute = minute;
	sender = RB_INSERT(senders, &limiter->senders, key);
	if (sender == NULL)
		return key;
	free(key);
	for (unsigned i = 0; sender->minute < minute && i < MINUTES; i++)
		sender->by_minute[++sender->minute % MINUTES] = (struct sent){0, 0};
	if (sender->minute < minute)
		sender->minute = minute;
	return sender;
}

/* Is there room for MORE? Else *MINUTES says in how many there will be: the oldest go first. */
static bool
fits(const struct sender *sender, bool recipients, uint32_t limit, uint32_t more, uint32_t *minutes)
{
	uint64_t sum = more;

	*minutes = 0;
	for (unsigned i = 0; i < MINUTES; i++)
		sum += recipients ? sender->by_minute[i].recipients : sender->by_minute[i].messages;
	for (unsigned i = 1; sum > limit && i <= MINUTES; i++) {
		const struct sent *oldest = &sender->by_minute[(sender->minute + i) % MINUTES];

		sum -= recipients ? oldest->recipients : oldest->messages;
		*minutes = i;
	}
	return *minutes == 0;
}

enum submit_limit
limiter_take(struct limiter *limiter, const char *account, const struct submit_limits *limits,
	     uint32_t recipients, uint64_t now, uint32_t *limit, uint32_t *wait)
{
	const struct {
		enum submit_limit kind;
		uint32_t limit, more;
	} hourly[] = {
	    {LIMIT_MESSAGES, limits->messages_per_hour, 1},
	    {LIMIT_RECIPIENTS, limits->recipients_per_hour, recipients},
	};
	uint64_t minute = now / 60;
	struct sender *sender;
	uint32_t minutes;

	*wait = 0;
	*limit = submit_limits_recipients(limits);
	if (*limit != 0 && recipients > *limit)
		return LIMIT_MESSAGE;
	sweep(limiter, minute);
	sender = counts_of(limiter, account, minute);
	if (sender == NULL)
		return LIMIT_NONE;
	for (size_t i = 0; i < sizeof(hourly) / sizeof(hourly[0]); i++) {
		*limit = hourly[i].limit;
		if (*limit == 0 || fits(sender, hourly[i].kind == LIMIT_RECIPIENTS, *limit,
					hourly[i].more, &minutes))
			continue;
		*wait = (uint32_t)((minute + minutes) * 60 - now);
		return hourly[i].kind;
	}
	sender->by_minute[minute % MINUTES].messages++;
	sender->by_minute[minute % MINUTES].recipients += recipients;
	return LIMIT_NONE;
}
