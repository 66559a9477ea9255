/* SPDX-License-Identifier: ISC */
/* What posternctl queue list and show print. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/mailbox.h"
#include "ctl/queue.h"
#include "ctl/text.h"

#define TIME_SIZE 32

static const char *const states[] = {
    [CQ_WAITING] = "waiting", [CQ_HELD] = "held", [CQ_BUSY] = "busy"};

static const char *
time_text(int64_t seconds, char out[TIME_SIZE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		strlcpy(out, "?", TIME_SIZE);
	return out;
}

/* NOTIFY=, as RFC 3461 has its words, and as JSON has them here. */
static const struct {
	uint32_t notify;
	const char *word, *text;
} notifies[] = {{DSN_NOTIFY_NEVER, "NEVER", "never"},
		{DSN_NOTIFY_SUCCESS, "SUCCESS", "success"},
		{DSN_NOTIFY_FAILURE, "FAILURE", "failure"},
		{DSN_NOTIFY_DELAY, "DELAY", "delay"}};

#define NOTIFIES (sizeof(notifies) / sizeof(notifies[0]))

struct printing {
	struct json json;
	bool as_json, all;
	size_t count;
	int shows; /* with ALL: a channel for the details of each */
};

static void
print_json_details(struct json *json, const struct queue_details *details)
{
	char when[TIME_SIZE];

	if (details->expires != 0)
		json_string(json, "expires", time_text(details->expires, when));
	if (details->notify != 0) {
		json_array(json, "notify");
		for (size_t i = 0; i < NOTIFIES; i++) {
			if ((details->notify & notifies[i].notify) != 0)
				json_string(json, NULL, notifies[i].text);
		}
		json_end(json);
	}
	if (details->orcpt[0] != '\0')
		json_string(json, "orcpt", details->orcpt);
	if (details->envid[0] != '\0')
		json_string(json, "envid", details->envid);
	if (details->ret != DSN_RETURN_UNSAID)
		json_string(json, "ret", details->ret == DSN_RETURN_FULL ? "full" : "hdrs");
}

static void
print_json(struct json *json, const struct queue_entry *entry, const struct queue_details *details)
{
	char id[QUEUE_ID_SIZE], when[TIME_SIZE];

	snprintf(id, sizeof(id), "%016" PRIx64, entry->fixed.name.message);
	json_object(json, NULL);
	json_string(json, "id", id);
	json_number(json, "index", entry->fixed.name.index);
	json_string(json, "from", entry->sender);
	json_string(json, "to", entry->path);
	json_string(json, "submitter", entry->submitter);
	json_string(json, "destination", entry->mailbox);
	json_number(json, "size", (int64_t)entry->fixed.size);
	json_string(json, "state", states[entry->fixed.state]);
	json_string(json, "received", time_text(entry->fixed.received, when));
	if (entry->fixed.state == CQ_WAITING)
		json_string(json, "next", time_text(entry->fixed.next_attempt, when));
	json_number(json, "attempts", entry->fixed.attempts);
	json_string(json, "reason", entry->reason);
	if (details != NULL)
		print_json_details(json, details);
	json_end(json);
}

/* BEFORE and BEHIND are ours. */
static void
print_text(const char *before, const char *text, const char *behind)
{
	fputs(before, stdout);
	text_print(stdout, text);
	fputs(behind, stdout);
}

static void
print_line(const struct queue_entry *entry)
{
	char size[OCTETS_SIZE], when[TIME_SIZE];

	printf("%016" PRIx64 ".%-3" PRIu32 " %-7s %9s  ", entry->fixed.name.message,
	       entry->fixed.name.index, states[entry->fixed.state],
	       octets_text(entry->fixed.size, size));
	print_text("<", entry->sender, ">");
	print_text(" -> <", entry->path, ">");
	if (entry->fixed.attempts > 0 && entry->fixed.state == CQ_WAITING)
		printf("  next %s", time_text(entry->fixed.next_attempt, when));
	if (entry->reason[0] != '\0')
		print_text("  (", entry->reason, ")");
	printf("\n");
}

static void
print_details(const struct queue_details *details)
{
	const char *before = "notify      ";
	char when[TIME_SIZE];

	if (details->expires != 0)
		printf("expires     %s\n", time_text(details->expires, when));
	for (size_t i = 0; i < NOTIFIES; i++) {
		if ((details->notify & notifies[i].notify) == 0)
			continue;
		printf("%s%s", before, notifies[i].word);
		before = ",";
	}
	if (details->notify != 0)
		printf("\n");
	if (details->orcpt[0] != '\0')
		print_text("orcpt       ", details->orcpt, "\n");
	if (details->envid[0] != '\0')
		print_text("envid       ", details->envid, "\n");
	if (details->ret != DSN_RETURN_UNSAID)
		printf("ret         %s\n", details->ret == DSN_RETURN_FULL ? "FULL" : "HDRS");
}

static void
print_all(const struct queue_entry *entry, const struct queue_details *details)
{
	char received[TIME_SIZE], next[TIME_SIZE];

	printf("id          %016" PRIx64 ".%" PRIu32 "\n", entry->fixed.name.message,
	       entry->fixed.name.index);
	print_text("from        <", entry->sender, ">\n");
	print_text("to          <", entry->path, ">\n");
	if (entry->submitter[0] != '\0')
		print_text("submitter   ", entry->submitter, "\n");
	print_text("destination ", entry->mailbox, "\n");
	printf("size        %" PRIu64 "\n", entry->fixed.size);
	printf("received    %s\n", time_text(entry->fixed.received, received));
	printf("state       %s\n", states[entry->fixed.state]);
	printf("attempts    %" PRIu32 "\n", entry->fixed.attempts);
	if (entry->fixed.state == CQ_WAITING)
		printf("next        %s\n", time_text(entry->fixed.next_attempt, next));
	if (entry->reason[0] != '\0')
		print_text("reason      ", entry->reason, "\n");
	print_details(details);
	printf("\n");
}

static int
print_entry(const struct queue_entry *entry, void *arg, struct error *err)
{
	struct printing *printing = arg;
	struct queue_details details;

	printing->count++;
	if (printing->all &&
	    queue_details(printing->shows, &entry->fixed.name, &details, err) == -1)
		return -1;
	if (printing->as_json)
		print_json(&printing->json, entry, printing->all ? &details : NULL);
	else if (printing->all)
		print_all(entry, &details);
	else
		print_line(entry);
	return 0;
}

int
queue_print(const struct queue_filter *filter, bool as_json, bool all)
{
	struct printing printing = {.as_json = as_json, .all = all, .shows = -1};
	struct error err;
	int fd, result;

	if (queue_connect(&fd, &err) == -1)
		return ctl_error(&err);
	if (all && queue_connect(&printing.shows, &err) == -1) {
		close(fd);
		return ctl_error(&err);
	}
	if (printing.as_json) {
		printing.json = json_start(stdout);
		json_array(&printing.json, NULL);
	}
	result = queue_each(fd, filter, print_entry, &printing, &err);
	close(fd);
	if (printing.shows != -1)
		close(printing.shows);
	if (printing.as_json)
		json_end(&printing.json);
	if (result == 0 && all && printing.count == 0)
		result = error_set(&err, "nothing of that id is in the queue");
	return result == -1 ? ctl_error(&err) : fflush(stdout) == EOF ? CTL_FAILED : CTL_OK;
}
