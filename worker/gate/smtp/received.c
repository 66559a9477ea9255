/* SPDX-License-Identifier: ISC */
#include "worker/gate/smtp/received.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct output {
	char *text;
	size_t length;
};

static void append(struct output *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
append(struct output *out, const char *format, ...)
{
	size_t room = RECEIVED_FIELD_SIZE - out->length;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(out->text + out->length, room, format, ap);
	va_end(ap);
	if (n > 0)
		out->length += (size_t)n < room ? (size_t)n : room - 1;
}

void
received_literal(const struct peer *peer, char out[HOST_NAME_SIZE])
{
	const struct in6_addr *address = &peer->address;
	bool v4 = IN6_IS_ADDR_V4MAPPED(address);
	char text[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &address->s6_addr[12] : address->s6_addr,
			text, sizeof(text));
	(void)snprintf(out, HOST_NAME_SIZE, v4 ? "[%s]" : "[IPv6:%s]", text);
}

/* The names are not the locale's. */
void
received_date(time_t when, char out[RECEIVED_DATE_SIZE])
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(out, RECEIVED_DATE_SIZE, "%.3s, %02d %.3s %d %02d:%02d:%02d +0000",
		       days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
		       tm.tm_hour, tm.tm_min, tm.tm_sec);
}

const char *
received_protocol(bool extended, bool tls, bool authenticated, bool utf8)
{
	static const char *const names[2][2][2] = {
	    {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
	    {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
	};

	return extended ? names[utf8][tls][authenticated] : "SMTP";
}

size_t
received_format(const struct received *received, char text[RECEIVED_FIELD_SIZE])
{
	struct output out = {text, 0};
	char date[RECEIVED_DATE_SIZE], literal[HOST_NAME_SIZE];

	received_date(received->when, date);
	append(&out, "Received: ");
	if (received->helo != NULL) {
		received_literal(received->peer, literal);
		append(&out, "from %s (%s)\r\n\t", received->helo, literal);
	}
	append(&out, "by %s (Postern) with %s", received->hostname, received->protocol);
	if (received->tls_version != NULL)
		append(&out, "\r\n\t(%s%s%s)", received->tls_version,
		       received->tls_cipher != NULL ? " " : "",
		       received->tls_cipher != NULL ? received->tls_cipher : "");
	append(&out, "\r\n\tid %s", received->queue_id);
	if (received->recipient != NULL)
		append(&out, "\r\n\tfor <%s>", received->recipient);
	append(&out, ";\r\n\t%s\r\n", date);
	return out.length;
}
