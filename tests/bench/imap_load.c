/* SPDX-License-Identifier: ISC */
/*
 * imap_load - a mixed load of IMAP commands on any server, as imaptest makes one: each client logs
 *in (in plaintext), and then does one thing after the other, drawn by chance with these weights.
 *Says how many commands a second were answered OK, and how long each kind took.
 *
 *	imap_load PORT CLIENTS SECONDS USER PASSWORD
 *
 * USER may have a %u in it: the client's number modulo USERS. Every command's answer is read to its
 * tagged line; NO and BAD are counted as failures, as are lost connections.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define USERS 10
#define CLIENTS_MAX 1000
#define IN_SIZE 65536
#define SAMPLES_MAX 2000000
#define MAIL_SIZE 2048
#define HEADER "Subject: mail 00\r\nFrom: a@example.net\r\nTo: b@example.org\r\n\r\n"
#define SUBJECT_AT 14 /* the two digits */

enum kind {
	LOGIN,
	LIST,
	STATUS,
	SELECT,
	FETCH,
	FETCH_BODY,
	STORE,
	COPY,
	EXPUNGE,
	SEARCH,
	APPEND,
	KINDS
};

static const struct {
	const char *name;
	unsigned weight; /* of 100; LOGIN is first, and once */
} kinds[KINDS] = {
    [LOGIN] = {"LOGIN", 0},    [LIST] = {"LIST", 5},      [STATUS] = {"STATUS", 10},
    [SELECT] = {"SELECT", 10}, [FETCH] = {"FETCH", 25},   [FETCH_BODY] = {"FETCH BODY[]", 15},
    [STORE] = {"STORE", 12},   [COPY] = {"COPY", 3},      [EXPUNGE] = {"EXPUNGE", 3},
    [SEARCH] = {"SEARCH", 7},  [APPEND] = {"APPEND", 10},
};

struct client {
	int fd;
	SSL *ssl;
	bool greeted, selected, waits_for_plus;
	enum kind kind;
	uint32_t messages; /* in the selected mailbox, as EXISTS and EXPUNGE have told */
	unsigned tag, number;
	double sent;
	size_t in_length;
	size_t literal; /* octets still to be skipped */
	char in[IN_SIZE];
};

static struct client *clients;
static struct pollfd *polls;
static unsigned count;
static const char *user_format, *password;
static uint64_t answered[KINDS], failed;
static float *samples[KINDS];
static size_t sample_counts[KINDS];
static char mail[MAIL_SIZE + 1];

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* Non-blocking I/O that wants something first. */
static void
wait_until_ready(struct client *c, int result)
{
	int why = SSL_get_error(c->ssl, result);
	struct pollfd waiting = {.fd = c->fd};

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		fprintf(stderr, "TLS failed after %s\n", kinds[c->kind].name);
		exit(1);
	}
	waiting.events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
	(void)poll(&waiting, 1, -1);
}

static void
put(struct client *c, const char *bytes, size_t length)
{
	int n;

	while ((n = SSL_write(c->ssl, bytes, (int)length)) <= 0)
		wait_until_ready(c, n);
}

static enum kind
draw(const struct client *c)
{
	unsigned dice = (unsigned)(random() % 100);

	if (!c->selected)
		return SELECT;
	for (unsigned k = 1; k < KINDS; k++) {
		if (dice < kinds[k].weight) {
			bool wants_message =
			    k == FETCH || k == FETCH_BODY || k == STORE || k == COPY;

			return wants_message && c->messages == 0 ? APPEND : (enum kind)k;
		}
		dice -= kinds[k].weight;
	}
	return STATUS;
}

static unsigned
some_message(const struct client *c)
{
	return 1 + (unsigned)random() % c->messages;
}

static void
begin(struct client *c)
{
	char line[512], user[256];
	int n = snprintf(line, sizeof(line), "t%u ", ++c->tag);
	size_t room = sizeof(line) - (size_t)n;
	char *at = line + n;
	unsigned first, last;

	switch (c->kind) {
	case LOGIN:
		snprintf(user, sizeof(user), user_format, c->number % USERS);
		snprintf(at, room, "LOGIN %s \"%s\"\r\n", user, password);
		break;
	case LIST:
		snprintf(at, room, "LIST \"\" *\r\n");
		break;
	case STATUS:
		snprintf(at, room, "STATUS %s (MESSAGES UNSEEN UIDNEXT)\r\n",
			 random() % 2 ? "INBOX" : "Trash");
		break;
	case SELECT:
		snprintf(at, room, "SELECT INBOX\r\n");
		break;
	case FETCH:
		first = some_message(c);
		last = first + 50 > c->messages ? c->messages : first + 50;
		snprintf(at, room, "FETCH %u:%u (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)\r\n",
			 first, last);
		break;
	case FETCH_BODY:
		snprintf(at, room, "FETCH %u BODY.PEEK[]\r\n", some_message(c));
		break;
	case STORE:
		snprintf(at, room, "STORE %u %cFLAGS (%s)\r\n", some_message(c),
			 random() % 4 ? '+' : '-',
			 random() % 4   ? "\\Seen"
			 : random() % 2 ? "\\Deleted"
					: "\\Flagged");
		break;
	case COPY:
		snprintf(at, room, "COPY %u Trash\r\n", some_message(c));
		break;
	case EXPUNGE:
		snprintf(at, room, "EXPUNGE\r\n");
		break;
	case SEARCH:
		snprintf(at, room, "SEARCH SUBJECT \"mail 1%ld\"\r\n", random() % 10);
		break;
	case APPEND:
	case KINDS:
		snprintf(at, room, "APPEND INBOX (\\Seen) {%d}\r\n", MAIL_SIZE);
		c->waits_for_plus = true;
		break;
	}
	c->sent = now();
	put(c, line, strlen(line));
}

static void
note(struct client *c, const char *line)
{
	bool ok = strstr(line, " OK") != NULL;

	answered[c->kind]++;
	if (!ok) {
		failed++;
		fprintf(stderr, "%s: %s\n", kinds[c->kind].name, line);
	}
	if (sample_counts[c->kind] < SAMPLES_MAX / KINDS)
		samples[c->kind][sample_counts[c->kind]++] = (float)(now() - c->sent);
	if (c->kind == SELECT)
		c->selected = ok;
}

/* One line, without its end. True: the command is answered. */
static bool
take_line(struct client *c, char *line)
{
	char tag[16], *brace;
	unsigned number;
	size_t length = strlen(line);

	if (!c->greeted) {
		c->greeted = true;
		return true;
	}
	snprintf(tag, sizeof(tag), "t%u ", c->tag);
	if (line[0] == '+' && c->waits_for_plus) {
		c->waits_for_plus = false;
		mail[SUBJECT_AT] = (char)('0' + random() % 10);
		mail[SUBJECT_AT + 1] = (char)('0' + random() % 10);
		put(c, mail, MAIL_SIZE);
		put(c, "\r\n", 2);
		return false;
	}
	if (strncmp(line, tag, strlen(tag)) == 0) {
		c->waits_for_plus = false;
		note(c, line);
		return true;
	}
	if (sscanf(line, "* %u EXISTS", &number) == 1 && strstr(line, "EXISTS") != NULL)
		c->messages = number;
	if (sscanf(line, "* %u EXPUNGE", &number) == 1 && strstr(line, "EXPUNGE") != NULL &&
	    c->messages > 0)
		c->messages--;
	if (length > 2 && line[length - 1] == '}' && (brace = strrchr(line, '{')) != NULL)
		c->literal = strtoul(brace + 1, NULL, 10);
	return false;
}

static void
consume(struct client *c)
{
	size_t at = 0;

	while (at < c->in_length) {
		char *lf;

		if (c->literal > 0) {
			size_t skip =
			    c->in_length - at < c->literal ? c->in_length - at : c->literal;

			c->literal -= skip;
			at += skip;
			continue;
		}
		lf = memchr(c->in + at, '\n', c->in_length - at);
		if (lf == NULL)
			break;
		*lf = '\0';
		if (lf > c->in + at && lf[-1] == '\r')
			lf[-1] = '\0';
		if (take_line(c, c->in + at)) {
			c->kind = c->tag == 0 ? LOGIN : draw(c);
			begin(c);
		}
		at = (size_t)(lf - c->in) + 1;
	}
	memmove(c->in, c->in + at, c->in_length - at);
	c->in_length -= at;
}

static void
read_some(struct client *c)
{
	for (;;) {
		int n = SSL_read(c->ssl, c->in + c->in_length, (int)(IN_SIZE - c->in_length));

		if (n <= 0 && SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ)
			return;
		if (n <= 0) {
			fprintf(stderr, "a connection was lost after %s\n", kinds[c->kind].name);
			exit(1);
		}
		c->in_length += (size_t)n;
		consume(c);
		if (c->in_length == IN_SIZE) {
			fprintf(stderr, "a line too long\n");
			exit(1);
		}
	}
}

static void
connect_all(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	int on = 1, n;

	SSL_CTX_set_mode(context, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	for (unsigned i = 0; i < count; i++) {
		clients[i].number = i;
		clients[i].fd = socket(AF_INET, SOCK_STREAM, 0);
		if (clients[i].fd == -1 ||
		    connect(clients[i].fd, (struct sockaddr *)&address, sizeof(address)) == -1)
			die("connect");
		setsockopt(clients[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
		clients[i].ssl = SSL_new(context);
		SSL_set_fd(clients[i].ssl, clients[i].fd);
		while ((n = SSL_connect(clients[i].ssl)) <= 0)
			wait_until_ready(&clients[i], n);
		polls[i] = (struct pollfd){.fd = clients[i].fd, .events = POLLIN};
	}
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void
report(double seconds)
{
	uint64_t total = 0;

	for (unsigned k = 1; k < KINDS; k++)
		total += answered[k];
	printf("total %.1f failed %llu\n", (double)total / seconds, (unsigned long long)failed);
	for (unsigned k = 0; k < KINDS; k++) {
		size_t n = sample_counts[k];

		if (n == 0)
			continue;
		qsort(samples[k], n, sizeof(float), compare);
		printf("%-13s %8llu  median %8.3f ms  99%% %8.3f ms\n", kinds[k].name,
		       (unsigned long long)answered[k], 1e3 * (double)samples[k][n / 2],
		       1e3 * (double)samples[k][n * 99 / 100]);
	}
}

int
main(int argc, char **argv)
{
	double start, seconds;

	if (argc != 6) {
		fprintf(stderr, "usage: imap_load PORT CLIENTS SECONDS USER PASSWORD\n");
		return 2;
	}
	count = (unsigned)strtoul(argv[2], NULL, 10);
	seconds = strtod(argv[3], NULL);
	user_format = argv[4];
	password = argv[5];
	if (count == 0 || count > CLIENTS_MAX)
		return 2;
	clients = calloc(count, sizeof(*clients));
	polls = calloc(count, sizeof(*polls));
	for (unsigned k = 0; k < KINDS; k++)
		samples[k] = calloc(SAMPLES_MAX / KINDS, sizeof(float));
	memset(mail, 'x', MAIL_SIZE);
	memcpy(mail, HEADER, sizeof(HEADER) - 1);
	for (size_t i = sizeof(HEADER) + 70; i + 2 < MAIL_SIZE; i += 72)
		memcpy(mail + i, "\r\n", 2);
	connect_all((uint16_t)strtoul(argv[1], NULL, 10));
	for (start = now(); now() - start < seconds;) {
		if (poll(polls, count, 100) == -1 && errno != EINTR)
			die("poll");
		for (unsigned i = 0; i < count; i++)
			/* What came in the handshake's last record is in no socket any more. */
			if (SSL_pending(clients[i].ssl) > 0 ||
			    (polls[i].revents & (POLLIN | POLLHUP)) != 0)
				read_some(&clients[i]);
	}
	report(now() - start);
	return failed > 0;
}
