/* SPDX-License-Identifier: ISC */
/* libbsd has two argument orders of strnvis(), which is not used here, and wants a choice. */
#define LIBBSD_OPENBSD_VIS
#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <vis.h>

static struct {
	const char *name;
	enum log_format format;
	int level;
} logger = {.name = "postern", .format = LOG_FORMAT_STDERR, .level = LOG_INFO};

static const char *const format_names[] = {
    [LOG_FORMAT_STDERR] = "stderr",
    [LOG_FORMAT_JOURNAL] = "journal",
    [LOG_FORMAT_SYSLOG] = "syslog",
};

static const char *const level_names[] = {"emergency", "alert",  "critical", "error",
					  "warning",   "notice", "info",     "debug"};

void
log_init(const char *name, enum log_format format)
{
	logger.name = name;
	logger.format = format;
	/* gmtime_r(3) reads /etc/localtime the first time, which no sandbox would let it. */
	tzset();
}

void
log_set_level(int level)
{
	logger.level = level;
}

enum log_format
log_get_format(void)
{
	return logger.format;
}

const char *
log_format_name(enum log_format format)
{
	return format_names[format];
}

int
log_format_parse(const char *name, enum log_format *format)
{
	for (size_t i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		if (strcmp(name, format_names[i]) == 0) {
			*format = (enum log_format)i;
			return 0;
		}
	}
	return -1;
}

/* A line under construction. What does not fit is dropped; `used` never passes `size - 1`. */
struct line {
	char *text;
	size_t size;
	size_t used;
};

static void
line_add(struct line *line, const char *text, size_t length)
{
	size_t room = line->size - 1 - line->used;

	if (length > room)
		length = room;
	memcpy(line->text + line->used, text, length);
	line->used += length;
	line->text[line->used] = '\0';
}

static void
line_puts(struct line *line, const char *text)
{
	line_add(line, text, strlen(text));
}

static void __attribute__((format(printf, 2, 3)))
line_printf(struct line *line, const char *format, ...)
{
	char text[96];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (length > 0)
		line_add(line, text, strnlen(text, (size_t)length));
}

static bool
needs_quotes(const char *text, size_t length)
{
	if (length == 0)
		return true;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == ' ' || text[i] == '"' || text[i] == '=' || text[i] == '\\')
			return true;
	}
	return false;
}

/* vis(3) makes every byte printable; inside quotes it also escapes the quote itself. */
static void
line_add_bytes(struct line *line, const char *bytes, size_t length)
{
	char encoded[LOG_VALUE_MAX * 4 + 1];
	bool cut = length > LOG_VALUE_MAX;
	bool quotes;
	char *end;

	if (cut)
		length = LOG_VALUE_MAX;
	quotes = needs_quotes(bytes, length);
	end = encoded;
	for (size_t i = 0; i < length; i++) {
		int next = i + 1 < length ? (unsigned char)bytes[i + 1] : 0;

		end =
		    vis(end, (unsigned char)bytes[i], VIS_CSTYLE | VIS_TAB | VIS_NL | VIS_DQ, next);
	}
	if (quotes)
		line_puts(line, "\"");
	line_add(line, encoded, (size_t)(end - encoded));
	if (cut)
		line_puts(line, "...");
	if (quotes)
		line_puts(line, "\"");
}

static void
line_add_address(struct line *line, const struct in6_addr *address)
{
	char text[INET6_ADDRSTRLEN];
	const char *shown;

	if (IN6_IS_ADDR_V4MAPPED(address))
		shown = inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text));
	else
		shown = inet_ntop(AF_INET6, address, text, sizeof(text));
	line_puts(line, shown != NULL ? shown : "?");
}

static void
line_add_value(struct line *line, const struct log_value *value)
{
	const char *string = value->as.string;

	line_puts(line, " ");
	line_puts(line, value->key);
	line_puts(line, "=");
	switch (value->kind) {
	case LOG_KIND_STR:
		if (string == NULL)
			string = "-";
		line_add_bytes(line, string, strlen(string));
		break;
	case LOG_KIND_MEM:
		line_add_bytes(line, string, value->length);
		break;
	case LOG_KIND_U64:
		line_printf(line, "%llu", (unsigned long long)value->as.number);
		break;
	case LOG_KIND_I64:
		line_printf(line, "%lld", (long long)value->as.integer);
		break;
	case LOG_KIND_CONN:
		line_printf(line, "%016llx", (unsigned long long)value->as.number);
		break;
	case LOG_KIND_ADDR:
		line_add_address(line, value->as.address);
		break;
	case LOG_KIND_ERRNO:
		string = strerror((int)value->as.integer);
		line_add_bytes(line, string, strlen(string));
		break;
	}
}

size_t
log_render(char *out, size_t size, const char *event, const struct log_value *values, size_t count)
{
	struct line line = {.text = out, .size = size};

	out[0] = '\0';
	line_puts(&line, "event=");
	line_puts(&line, event);
	for (size_t i = 0; i < count; i++)
		line_add_value(&line, &values[i]);
	return line.used;
}

static void
line_add_prefix(struct line *line, int level)
{
	struct timespec now;
	struct tm tm;

	switch (logger.format) {
	case LOG_FORMAT_STDERR:
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		line_printf(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ ", tm.tm_year + 1900,
			    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
			    now.tv_nsec / 1000000);
		line_printf(line, "%s[%d]: %s: ", logger.name, (int)getpid(), level_names[level]);
		break;
	case LOG_FORMAT_JOURNAL:
		line_printf(line, "<%d>%s: ", level, logger.name);
		break;
	case LOG_FORMAT_SYSLOG:
		/* syslogd's tag; the master's name is the program's. */
		line_printf(line, "<%d>%s%s[%d]: ", LOG_MAIL | level,
			    strcmp(logger.name, "postern") == 0 ? "" : "postern-", logger.name,
			    (int)getpid());
		break;
	}
}

void
log_values(int level, const char *event, const struct log_value *values, size_t count)
{
	char text[LOG_LINE_MAX];
	/* One byte is kept back for the newline, so a long line is cut but still ends. */
	struct line line = {.text = text, .size = sizeof(text) - 1};
	int saved = errno;
	ssize_t written;

	if (level > logger.level)
		return;
	text[0] = '\0';
	line_add_prefix(&line, level);
	line.used += log_render(text + line.used, line.size - line.used, event, values, count);
	if (logger.format != LOG_FORMAT_SYSLOG)
		text[line.used++] = '\n';
	/* A log that can't be written must not stop the mail. */
	do {
		written = write(STDERR_FILENO, text, line.used);
	} while (written == -1 && errno == EINTR);
	errno = saved;
}

void
log_fatal(const char *event, const char *format, ...)
{
	char why[LOG_LINE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	log_event(LOG_CRIT, event, KV_STR("why", why));
	exit(1);
}
