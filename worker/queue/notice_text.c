/* SPDX-License-Identifier: ISC */
/* What the postmaster reads. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/queue/notice.h"

#define DAY 86400
#define WIDTH 70

struct text {
	char *out;
	size_t used;
};

static void add(struct text *, const char *, ...) __attribute__((format(printf, 2, 3)));

/* A line; what has no room is left out, which does not happen (the fields are bounded). */
static void
add(struct text *text, const char *format, ...)
{
	size_t room = NOTICE_SIZE - text->used;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text->out + text->used, room, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 3 > room) {
		text->out[text->used] = '\0';
		return;
	}
	text->used += (size_t)n;
	memcpy(text->out + text->used, "\r\n", 3);
	text->used += 2;
}

void
notice_name(const struct mq_notice *notice, char out[NOTICE_NAME_SIZE])
{
	snprintf(out, NOTICE_NAME_SIZE, "certificate %s %" PRId64 " %u", notice->name,
		 notice->until, notice->step);
}

/* FNV-1a. */
uint32_t
notice_number(const char *name)
{
	uint32_t number = 2166136261U;

	for (; *name != '\0'; name++)
		number = (number ^ (uint8_t)*name) * 16777619U;
	return number == 0 ? 1 : number;
}

static void
utc(int64_t seconds, const char *format, char *out, size_t size)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&time, &tm) == NULL || strftime(out, size, format, &tm) == 0)
		strlcpy(out, "at an unknown time", size);
}

/* "expires in 7 days" */
static void
when(int64_t left, char *out, size_t size)
{
	int64_t days = (left + DAY / 2) / DAY;

	if (left <= 0)
		strlcpy(out, "has expired", size);
	else if (left < DAY)
		strlcpy(out, "expires within a day", size);
	else
		snprintf(out, size, "expires in %" PRId64 " day%s", days, days == 1 ? "" : "s");
}

static void
add_header(struct text *text, const char *name, const char *state, const char *hostname, time_t now,
	   uint32_t number)
{
	char date[64];

	utc((int64_t)now, "%a, %d %b %Y %H:%M:%S +0000", date, sizeof(date));
	add(text, "From: Postern <postmaster@%s>", hostname);
	add(text, "To: postmaster@%s", hostname);
	add(text, "Subject: The certificate %s %s", name, state);
	add(text, "Date: %s", date);
	add(text, "Message-ID: <certificate.%08" PRIx32 ".%" PRId64 "@%s>", number, (int64_t)now,
	    hostname);
	add(text, "Auto-Submitted: auto-generated");
	add(text, "MIME-Version: 1.0");
	add(text, "Content-Type: text/plain; charset=us-ascii");
	add(text, "%s", "");
}

/* "smtp:25 pop3:995", in lines. */
static void
add_listeners(struct text *text, const char *listeners)
{
	while (*listeners != '\0') {
		size_t length = strlen(listeners);

		if (length > WIDTH) {
			for (length = WIDTH; length > 0 && listeners[length] != ' '; length--)
				;
			if (length == 0)
				length = WIDTH;
		}
		add(text, "  %.*s", (int)length, listeners);
		listeners += length;
		listeners += strspn(listeners, " ");
	}
}

static void
add_use(struct text *text, const char *name, const char *listeners)
{
	if (listeners[0] == '\0') {
		add(text,
		    "No listener presents it as its own, but those with sni = any (the default)");
		add(text, "or strict present it to clients that ask for one of its names. If none");
		add(text, "does any more:");
		add(text, "%s", "");
		add(text, "  posternctl cert remove %s", name);
	} else {
		add(text, "These listeners present it:");
		add(text, "%s", "");
		add_listeners(text, listeners);
		add(text, "%s", "");
		add(text, "Mail clients refuse to connect to them when it has expired, or warn;");
		add(text, "some mail servers stop delivering.");
	}
	add(text, "%s", "");
}

static void
add_advice(struct text *text, const struct mq_notice *notice)
{
	const char *name = notice->name;

	add(text, "What to do, on that host:");
	add(text, "%s", "");
	if (notice->self_signed == 1) {
		add(text, "It is self-signed. Make a new one, with the same fields:");
		add(text, "%s", "");
		add(text, "  posternctl cert create %s --replace --from %s", name, name);
	} else {
		add(text, "If certbot, acme.sh or lego renew it, they should have by now: read");
		add(text, "their logs, and see whether what they wrote is imported. If you get it");
		add(text, "from an authority by hand, send that a request, and import what comes");
		add(text, "back:");
		add(text, "%s", "");
		add(text, "  posternctl cert request %s > %s.csr", name, name);
		add(text, "  posternctl cert import FILE");
	}
	add(text, "%s", "");
	add(text, "Then see what mail clients will say of it:");
	add(text, "%s", "");
	add(text, "  posternctl cert check %s", name);
	add(text, "%s", "");
	add(text, "The server goes on without a restart. You are told 30, 14, 7, 3 and 1 days");
	add(text, "before a certificate expires, and when it has, once each.");
}

size_t
notice_text(const struct mq_notice *notice, const char *listeners, const char *hostname, time_t now,
	    char out[NOTICE_SIZE])
{
	struct text text = {.out = out};
	char name[NOTICE_NAME_SIZE], state[64], end[64];

	out[0] = '\0';
	notice_name(notice, name);
	when(notice->until - (int64_t)now, state, sizeof(state));
	utc(notice->until, "%Y-%m-%d %H:%M UTC", end, sizeof(end));
	add_header(&text, notice->name, state, hostname, now, notice_number(name));
	add(&text, "The certificate %s of the mail server", notice->name);
	add(&text, "%s %s (%s).", hostname, state, end);
	add(&text, "%s", "");
	add_use(&text, notice->name, listeners);
	add_advice(&text, notice);
	return text.used;
}
