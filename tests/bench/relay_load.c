/* SPDX-License-Identifier: ISC */
/*
 * relay_load - both ends of a relay: sends mails to a server over implicit TLS (-p: plaintext), and
 * is the next host (in plaintext) that the server brings them to.
 *
 *   relay_load [-c CONNECTIONS] [-n MAILS] [-s SIZE] [-f SENDER] [-a PASSWORD] [-p]
 *       PORT SINK-PORT
 *
 * -a: each connection logs in as SENDER, by SCRAM-SHA-256.
 *
 * A connection is a thread: one mail after the other, one command after the other. Every mail has a
 * number in its header, by which the time from the server's 250 until the next host has all of it
 * is known. Ends when all mails have arrived, or no more do. Prints one line:
 *
 *   mails=N failed=N missing=N doubled=N accepted=RATE relayed=RATE median_ms=M p99_ms=M max_ms=M
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/scram_client.h"

#define NUMBER_FIELD "X-Number: "
#define STACK_SIZE 262144
#define MAIL_HEADER_MAX 1024
#define IDLE_SECONDS 20  /* without any arrival: what is missing doesn't come */
#define LINGER_US 300000 /* in which the server hears the last replies */

static unsigned connections = 10, total = 1000, mails_a_connection = 50;
static size_t body_size = 2048;
static const char *password, *sender = "u0@example.org";
static in_port_t port, sink_port;
static SSL_CTX *tls;
static bool plain;
static char *body;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned started, finished, failed, arrived, doubled;
static double *accepted_at, *arrived_at; /* by number; 0: not yet */
static double last_accepted, last_arrived;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
start_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, run, arg) != 0)
		errx(1, "no thread");
	pthread_attr_destroy(&attributes);
}

/* -- The next host ---------------------------------------------------------------------------- */

static void
arrive(unsigned number)
{
	pthread_mutex_lock(&lock);
	if (number >= total) {
		/* Of an earlier run. */
	} else if (arrived_at[number] != 0) {
		doubled++;
	} else {
		last_arrived = arrived_at[number] = now();
		arrived++;
	}
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

/* The message behind DATA; false if the connection ends in it. */
static bool
take_message(FILE *in, char *line, size_t size, unsigned *number)
{
	unsigned found;
	int run;

	*number = UINT32_MAX;
	while (fgets(line, (int)size, in) != NULL) {
		if (strcmp(line, ".\r\n") == 0)
			return true;
		if (sscanf(line, NUMBER_FIELD "%u %d", &found, &run) == 2 && run == getpid())
			*number = found;
	}
	return false;
}

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) == -1)
		warn("the sink's reply");
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	FILE *in = fdopen(fd, "r");
	char line[2048];
	unsigned number;

	if (in == NULL)
		err(1, "fdopen");
	say(fd, "220 sink.example.net ESMTP\r\n");
	while (fgets(line, sizeof(line), in) != NULL) {
		if (strncasecmp(line, "EHLO", 4) == 0) {
			say(fd, "250-sink.example.net\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
		} else if (strncasecmp(line, "DATA", 4) == 0) {
			say(fd, "354 Go\r\n");
			if (!take_message(in, line, sizeof(line), &number))
				break;
			say(fd, "250 2.0.0 Taken\r\n");
			arrive(number);
		} else if (strncasecmp(line, "QUIT", 4) == 0) {
			say(fd, "221 2.0.0 Bye\r\n");
			break;
		} else {
			say(fd, "250 2.0.0 Ok\r\n");
		}
	}
	fclose(in);
	return NULL;
}

static void *
listen_to_all(void *arg)
{
	int listener = (int)(intptr_t)arg, one = 1;

	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd == -1)
			err(1, "accept");
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		start_thread(serve, (void *)(intptr_t)fd);
	}
	return NULL;
}

static struct sockaddr_in
loopback(in_port_t number)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(number),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void
open_sink(void)
{
	struct sockaddr_in address = loopback(sink_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd == -1 || bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 1024) == -1)
		err(1, "the sink's port %u", sink_port);
	start_thread(listen_to_all, (void *)(intptr_t)fd);
}

/* -- The sending side ------------------------------------------------------------------------- */

struct sending {
	int fd;
	SSL *ssl;
	char reply[4096];
	char *mail; /* of MAIL_HEADER_MAX octets and the body's */
};

static void
transmit(struct sending *s, const char *text, size_t length)
{
	ssize_t n;

	for (; length > 0; text += n, length -= (size_t)n) {
		n = s->ssl == NULL ? send(s->fd, text, length, MSG_NOSIGNAL)
				   : SSL_write(s->ssl, text, (int)length);
		if (n <= 0)
			errx(1, "the server closed the connection");
	}
}

/* The code of a whole reply (RFC 5321 4.2.1: its last line has a space behind the code). */
static int
reply(struct sending *s)
{
	size_t length = 0;

	for (;;) {
		size_t room = sizeof(s->reply) - 1 - length;
		ssize_t n = s->ssl == NULL ? recv(s->fd, s->reply + length, room, 0)
					   : SSL_read(s->ssl, s->reply + length, (int)room);
		char *line = s->reply, *end;

		if (n <= 0)
			errx(1, "the server closed the connection after: %s", s->reply);
		length += (size_t)n;
		s->reply[length] = '\0';
		for (; (end = strstr(line, "\r\n")) != NULL; line = end + 2) {
			if (end - line >= 4 && line[3] == ' ')
				return (int)strtol(line, NULL, 10);
		}
	}
}

static void
expect(struct sending *s, int code, const char *text)
{
	transmit(s, text, strlen(text));
	if (reply(s) != code)
		errx(1, "to %.20s: %s", text, s->reply);
}

static void
log_in(struct sending *s)
{
	char first[SCRAM_CLIENT_SIZE], final[SCRAM_CLIENT_SIZE], line[SCRAM_CLIENT_SIZE + 32];

	scram_client_first(first);
	snprintf(line, sizeof(line), "AUTH SCRAM-SHA-256 %s\r\n", first);
	expect(s, 334, line);
	scram_client_final(first, s->reply + 4, final);
	snprintf(line, sizeof(line), "%s\r\n", final);
	expect(s, 334, line);
	expect(s, 235, "\r\n");
}

static void
open_connection(struct sending *s)
{
	struct sockaddr_in address = loopback(port);
	int one = 1;

	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->fd == -1 || connect(s->fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		err(1, "connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	s->ssl = plain ? NULL : SSL_new(tls);
	if (!plain &&
	    (s->ssl == NULL || SSL_set_fd(s->ssl, s->fd) != 1 || SSL_connect(s->ssl) != 1))
		errx(1, "no TLS");
	expect(s, 220, "");
	expect(s, 250, "EHLO bench.example.net\r\n");
	if (password != NULL)
		log_in(s);
}

static void
close_connection(struct sending *s)
{
	expect(s, 221, "QUIT\r\n");
	SSL_free(s->ssl);
	close(s->fd);
}

static void
send_mail(struct sending *s, unsigned number)
{
	char text[1024], *mail = s->mail;
	int length;
	bool ok;

	snprintf(text, sizeof(text), "MAIL FROM:<%s>\r\n", sender);
	expect(s, 250, text);
	snprintf(text, sizeof(text), "RCPT TO:<u%u@elsewhere.example.net>\r\n", number % 10);
	expect(s, 250, text);
	expect(s, 354, "DATA\r\n");
	length = snprintf(mail, MAIL_HEADER_MAX,
			  "From: <%s>\r\nTo: <u@elsewhere.example.net>\r\n"
			  "Date: Sun, 29 Nov 2026 12:00:00 +0000\r\nMessage-ID: <%u@bench>\r\n"
			  "Subject: a mail of the benchmark\r\n" NUMBER_FIELD "%u %d\r\n\r\n",
			  sender, number, number, getpid());
	/* In one piece, as mail programs send it. */
	memcpy(mail + length, body, body_size);
	memcpy(mail + length + body_size, ".\r\n", 3);
	transmit(s, mail, (size_t)length + body_size + 3);
	ok = reply(s) == 250;
	if (!ok)
		warnx("a mail was refused: %s", s->reply);
	pthread_mutex_lock(&lock);
	last_accepted = accepted_at[number] = now();
	finished++;
	failed += ok ? 0 : 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

static bool
next_number(unsigned *number)
{
	bool more;

	pthread_mutex_lock(&lock);
	more = started < total;
	if (more)
		*number = started++;
	pthread_mutex_unlock(&lock);
	return more;
}

static void *
send_all(void *arg)
{
	struct sending s = {.fd = -1, .mail = malloc(MAIL_HEADER_MAX + body_size + 3)};
	unsigned number, here = 0;

	(void)arg;
	if (s.mail == NULL)
		err(1, "malloc");
	while (next_number(&number)) {
		if (here == 0)
			open_connection(&s);
		send_mail(&s, number);
		if (++here < mails_a_connection)
			continue;
		close_connection(&s);
		here = 0;
	}
	if (here > 0)
		close_connection(&s);
	free(s.mail);
	return NULL;
}

/* -- All of it -------------------------------------------------------------------------------- */

static void
wait_for_all(void)
{
	struct timespec end;
	unsigned seen = 0;

	pthread_mutex_lock(&lock);
	while (finished < total || arrived + failed < total) {
		clock_gettime(CLOCK_REALTIME, &end);
		end.tv_sec += IDLE_SECONDS;
		if (pthread_cond_timedwait(&changed, &lock, &end) == 0)
			continue;
		if (arrived + finished == seen)
			break;
		seen = arrived + finished;
	}
	pthread_mutex_unlock(&lock);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
report(double began)
{
	double *waits = calloc(total, sizeof(*waits));
	unsigned count = 0;

	if (waits == NULL)
		err(1, "calloc");
	for (unsigned i = 0; i < total; i++) {
		if (arrived_at[i] != 0)
			waits[count++] = arrived_at[i] - accepted_at[i];
	}
	if (count == 0)
		errx(1, "no mail arrived");
	qsort(waits, count, sizeof(*waits), compare);
	printf("mails=%u failed=%u missing=%u doubled=%u accepted=%.0f relayed=%.0f "
	       "median_ms=%.2f p99_ms=%.2f max_ms=%.2f\n",
	       total, failed, total - failed - count, doubled, total / (last_accepted - began),
	       count / (last_arrived - began), waits[count / 2] * 1e3,
	       waits[count * 99 / 100] * 1e3, waits[count - 1] * 1e3);
	free(waits);
}

static void
make_body(void)
{
	static const char line[] =
	    "The quick brown fox jumps over the lazy dog, again and again.\r\n";
	const size_t length = sizeof(line) - 1;

	body_size -= body_size % length;
	body = malloc(body_size + 1);
	if (body == NULL)
		err(1, "malloc");
	for (size_t at = 0; at < body_size; at += length)
		memcpy(body + at, line, length);
}

static void
options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:s:a:f:p")) != -1) {
		unsigned long value = optarg == NULL ? 0 : strtoul(optarg, NULL, 10);

		if (option == 'c')
			connections = (unsigned)value;
		else if (option == 'n')
			total = (unsigned)value;
		else if (option == 's')
			body_size = value;
		else if (option == 'a')
			password = optarg;
		else if (option == 'f')
			sender = optarg;
		else if (option == 'p')
			plain = true;
		else
			exit(2);
	}
	if (optind + 2 != argc || total == 0 || connections == 0)
		errx(2,
		     "usage: relay_load [-c n] [-n n] [-s n] [-f sender] [-a password] [-p] port "
		     "sink-port");
	scram_client_is(sender, password);
	port = (in_port_t)strtoul(argv[optind], NULL, 10);
	sink_port = (in_port_t)strtoul(argv[optind + 1], NULL, 10);
}

int
main(int argc, char **argv)
{
	double began;

	options(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	make_body();
	accepted_at = calloc(total, sizeof(*accepted_at));
	arrived_at = calloc(total, sizeof(*arrived_at));
	tls = SSL_CTX_new(TLS_client_method());
	if (accepted_at == NULL || arrived_at == NULL || tls == NULL)
		errx(1, "no memory");
	open_sink();
	began = now();
	for (unsigned i = 0; i < connections; i++)
		start_thread(send_all, NULL);
	wait_for_all();
	report(began);
	usleep(LINGER_US);
	return failed == 0 ? 0 : 1;
}
