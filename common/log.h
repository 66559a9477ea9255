/* SPDX-License-Identifier: ISC */
/*
 * log - one line an event, key=value.
 *
 *   log_event(LOG_INFO, "smtp.accepted", KV_CONN(conn), KV_STR("from", path), KV_U64("size", n));
 *
 * prints
 *
 *   event=smtp.accepted conn=5f0c81d2a4b7e613 from=alice@example.org size=1204
 *
 * Every string value is vis(3)-encoded and quoted where it needs to be, so that a stranger's
 * bytes can neither break a line nor forge a key; a value longer than LOG_VALUE_MAX is cut and
 * marked with "...". Event names are lower case, NOUN.VERB. Never log a password, a key or
 * message content.
 */
#ifndef POSTERN_COMMON_LOG_H
#define POSTERN_COMMON_LOG_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#define LOG_VALUE_MAX 256 /* bytes of one value, before encoding */
#define LOG_LINE_MAX 2048 /* bytes of one line; less than PIPE_BUF, so that lines don't mix */

/* How a line is dressed; where it goes is always descriptor 2. */
enum log_format {
	LOG_FORMAT_STDERR,  /* 2026-11-24T10:46:52.123Z name[pid]: level: ... */
	LOG_FORMAT_JOURNAL, /* <6>name: ... (sd-daemon(3) prefixes) */
	LOG_FORMAT_SYSLOG,  /* <22>name[pid]: ..., one datagram to a connected /dev/log socket */
};

/* A connection's identity, from accept to delivery. 0 means none. Printed as 16 hex digits. */
typedef uint64_t conn_id;

enum log_kind {
	LOG_KIND_STR,
	LOG_KIND_MEM,
	LOG_KIND_U64,
	LOG_KIND_I64,
	LOG_KIND_CONN,
	LOG_KIND_ADDR,
	LOG_KIND_ERRNO
};

struct log_value {
	const char *key;
	enum log_kind kind;
	union {
		const char *string;
		uint64_t number;
		int64_t integer;
		const struct in6_addr *address;
	} as;
	size_t length; /* LOG_KIND_MEM */
};

#define KV_STR(k, v) ((struct log_value){.key = (k), .kind = LOG_KIND_STR, .as.string = (v)})
#define KV_MEM(k, v, n) \
	((struct log_value){.key = (k), .kind = LOG_KIND_MEM, .as.string = (v), .length = (n)})
#define KV_U64(k, v) ((struct log_value){.key = (k), .kind = LOG_KIND_U64, .as.number = (v)})
#define KV_I64(k, v) ((struct log_value){.key = (k), .kind = LOG_KIND_I64, .as.integer = (v)})
#define KV_CONN(v) ((struct log_value){.key = "conn", .kind = LOG_KIND_CONN, .as.number = (v)})
/* An address as IPv6, or IPv4-mapped IPv6 (printed as IPv4). */
#define KV_ADDR(k, v) ((struct log_value){.key = (k), .kind = LOG_KIND_ADDR, .as.address = (v)})
/* why="strerror(v)". */
#define KV_ERRNO(v) ((struct log_value){.key = "why", .kind = LOG_KIND_ERRNO, .as.integer = (v)})

/* NAME is what the lines call this process ("postern", "gate", "session"); kept, not copied. */
void log_init(const char *name, enum log_format);

/* Leaves out what is less urgent than LEVEL (a syslog(3) level). The default is LOG_INFO. */
void log_set_level(int level);
enum log_format log_get_format(void);
const char *log_format_name(enum log_format);
/* 0, or -1 if there is no such format. */
int log_format_parse(const char *name, enum log_format *);

void log_values(int level, const char *event, const struct log_value *, size_t count);
#define log_event(level, event, ...)                                          \
	log_values((level), (event), (const struct log_value[]){__VA_ARGS__}, \
		   sizeof((const struct log_value[]){__VA_ARGS__}) / sizeof(struct log_value))

/*
 * Renders a line (without prefix and newline) into OUT, NUL-terminated; what log_values() uses,
 * apart for the tests. Returns the length.
 */
size_t log_render(char *out, size_t size, const char *event, const struct log_value *,
		  size_t count);

/* Logs at LOG_CRIT and exits with status 1. Only for start-up. */
void log_fatal(const char *event, const char *format, ...)
    __attribute__((noreturn, format(printf, 2, 3)));

#endif
