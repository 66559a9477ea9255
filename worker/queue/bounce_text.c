/* SPDX-License-Identifier: ISC */
/* What the sender reads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/queue/bounce.h"

#define DATE_SIZE 64
#define BOUNDARY_SIZE 64

static const char *
date(int64_t seconds, char out[DATE_SIZE])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, DATE_SIZE, "%a, %d %b %Y %H:%M:%S +0000", &tm) == 0)
		strlcpy(out, "Thu, 01 Jan 1970 00:00:00 +0000", DATE_SIZE);
	return out;
}

static void
add_header(FILE *out, const struct bounce_facts *facts, const char *boundary)
{
	char when[DATE_SIZE];

	fprintf(out, "From: Mail Delivery System <postmaster@%s>\r\n", facts->hostname);
	fprintf(out, "To: <%s>\r\n", facts->sender);
	fprintf(out, "Subject: Undelivered mail returned to sender\r\n");
	fprintf(out, "Date: %s\r\n", date((int64_t)facts->now, when));
	fprintf(out, "Message-ID: <bounce.%016" PRIx64 ".%" PRIu32 ".%" PRId64 "@%s>\r\n",
		facts->message, facts->index, (int64_t)facts->now, facts->hostname);
	fprintf(out, "Auto-Submitted: auto-replied\r\n"); /* RFC 3834 5 */
	fprintf(out, "MIME-Version: 1.0\r\n");
	fprintf(out,
		"Content-Type: multipart/report; report-type=delivery-status;\r\n"
		"\tboundary=\"%s\"\r\n\r\n",
		boundary);
}

static void
add_words(FILE *out, const struct bounce_facts *facts, const char *boundary)
{
	const struct bounce_reason *reason = facts->reason;

	fprintf(out, "--%s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n", boundary);
	fprintf(out,
		"This is the mail server %s.\r\n\r\n"
		"Your message could not be delivered to\r\n\r\n  <%s>\r\n\r\n",
		facts->hostname, reason->path);
	if (reason->expired)
		fprintf(out, "It was tried again and again, until its time was over. The last time"
			     "\r\n");
	if (reason->host[0] != '\0')
		fprintf(out, "the mail server %s said:\r\n\r\n  %u %s %s\r\n\r\n", reason->host,
			reason->code, reason->status, reason->text);
	else
		fprintf(out, "the reason was:\r\n\r\n  %s\r\n\r\n", reason->text);
	fprintf(out, "It is not tried any more. The header of your message is below.\r\n\r\n");
}

/* RFC 3464 2. */
static void
add_status(FILE *out, const struct bounce_facts *facts, const char *boundary)
{
	const struct bounce_reason *reason = facts->reason;
	char when[DATE_SIZE];

	fprintf(out, "--%s\r\nContent-Type: message/delivery-status\r\n\r\n", boundary);
	fprintf(out, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n\r\n", facts->hostname,
		date(facts->received, when));
	fprintf(out, "Final-Recipient: rfc822; %s\r\nAction: failed\r\nStatus: %s\r\n",
		reason->path, reason->status);
	if (reason->host[0] != '\0')
		fprintf(out, "Remote-MTA: dns; %s\r\nDiagnostic-Code: smtp; %u %s %s\r\n",
			reason->host, reason->code, reason->status, reason->text);
	else
		fprintf(out, "Diagnostic-Code: x-postern; %s\r\n", reason->text);
	fprintf(out, "\r\n");
}

/* The lines up to the empty one. What is no ASCII has no place in a 7-bit part. */
static void
add_original(FILE *out, const struct bounce_facts *facts, const char *boundary)
{
	const char *end = memmem(facts->header, facts->header_length, "\r\n\r\n", 4);
	size_t length = end == NULL ? facts->header_length : (size_t)(end - facts->header);

	fprintf(out, "--%s\r\nContent-Type: text/rfc822-headers\r\n\r\n", boundary);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)facts->header[i];

		fputc(c == '\0' || c > 0x7e ? '?' : c, out);
	}
	fprintf(out, "\r\n\r\n--%s--\r\n", boundary);
}

char *
bounce_text(const struct bounce_facts *facts, size_t *length)
{
	char boundary[BOUNDARY_SIZE];
	char *text = NULL;
	FILE *out = open_memstream(&text, length);

	if (out == NULL)
		return NULL;
	snprintf(boundary, sizeof(boundary), "=_%016" PRIx64 ".%" PRIu32 ".%" PRId64,
		 facts->message, facts->index, (int64_t)facts->now);
	add_header(out, facts, boundary);
	add_words(out, facts, boundary);
	add_status(out, facts, boundary);
	add_original(out, facts, boundary);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
