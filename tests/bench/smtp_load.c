/* SPDX-License-Identifier: ISC */
/*
 * smtp_load - sends mails over SMTP as fast as they are acknowledged, over several connections at
 * once, one mail after the other on each, one command after the other (RFC 5321, without
 * PIPELINING, which not every server has).
 *
 *   smtp_load [-c CONNECTIONS] [-n MAILS] [-s SIZE] [-u USERS] [-r MAILS-A-CONNECTION] [-d DOMAIN]
 * PORT
 *
 * Recipients are u0@DOMAIN, u1@DOMAIN, ... in turn. Prints one line:
 *
 *   mails=N failed=N seconds=S rate=R median_ms=M p99_ms=M
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum step { STEP_GREETING, STEP_EHLO, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_BODY, STEP_QUIT };

struct client {
	int fd;
	enum step step;
	unsigned mails; /* on this connection */
	double began;
	char reply[4096];
	size_t length;
	const char *output; /* not yet written */
	size_t left;
	char command[256];
};

static unsigned connections = 10, total = 1000, users = 10, mails_a_connection = 50;
static size_t body_size = 2048;
static const char *domain = "example.org";
static struct sockaddr_in server = {.sin_family = AF_INET};

static int events;
static char *body;
static size_t body_length;
static unsigned started, finished, failed;
static double *latencies;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A header and lines of text, SIZE bytes with the line that ends it. */
static void
make_body(void)
{
	static const char header[] = "From: <bench@example.net>\r\nTo: <u0@example.org>\r\n"
				     "Subject: a mail of the benchmark\r\n\r\n";
	static const char line[] =
	    "The quick brown fox jumps over the lazy dog, again and again.\r\n";

	body = malloc(body_size + sizeof(header) + sizeof(line) + 8);
	if (body == NULL)
		err(1, "malloc");
	body_length = sizeof(header) - 1;
	memcpy(body, header, body_length);
	while (body_length < body_size) {
		memcpy(body + body_length, line, sizeof(line) - 1);
		body_length += sizeof(line) - 1;
	}
	memcpy(body + body_length, ".\r\n", 3);
	body_length += 3;
}

static void
watch(struct client *client, int operation)
{
	struct epoll_event event = {.events = EPOLLIN | (client->left > 0 ? (uint32_t)EPOLLOUT : 0),
				    .data.ptr = client};

	if (epoll_ctl(events, operation, client->fd, &event) == -1)
		err(1, "epoll_ctl");
}

static void
flush_output(struct client *client)
{
	while (client->left > 0) {
		ssize_t n = send(client->fd, client->output, client->left, MSG_NOSIGNAL);

		if (n == -1 && errno == EAGAIN) {
			watch(client, EPOLL_CTL_MOD);
			return;
		}
		if (n == -1)
			err(1, "send");
		client->output += n;
		client->left -= (size_t)n;
	}
}

static void
output(struct client *client, const char *bytes, size_t length)
{
	client->output = bytes;
	client->left = length;
	flush_output(client);
}

static void
connect_client(struct client *client)
{
	int one = 1;

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd == -1 ||
	    connect(client->fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(1, "connect");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client->step = STEP_GREETING;
	client->mails = 0;
	client->length = 0;
	client->left = 0;
	watch(client, EPOLL_CTL_ADD);
}

static void
command(struct client *client, enum step step, const char *text)
{
	client->step = step;
	output(client, text, strlen(text));
}

/* The next mail, or the end. */
static void
next_mail(struct client *client)
{
	if (started == total || client->mails == mails_a_connection) {
		command(client, STEP_QUIT, "QUIT\r\n");
		return;
	}
	started++;
	client->mails++;
	client->began = now();
	command(client, STEP_MAIL, "MAIL FROM:<bench@example.net>\r\n");
}

static void
mail_over(struct client *client, bool ok)
{
	latencies[finished++] = now() - client->began;
	failed += ok ? 0 : 1;
	next_mail(client);
}

static void
next_step(struct client *client, int code)
{
	switch (client->step) {
	case STEP_GREETING:
		if (code != 220)
			errx(1, "greeted with: %s", client->reply);
		command(client, STEP_EHLO, "EHLO bench.example.net\r\n");
		break;
	case STEP_EHLO:
		if (code != 250)
			errx(1, "EHLO: %s", client->reply);
		next_mail(client);
		break;
	case STEP_MAIL:
		if (code != 250)
			errx(1, "MAIL: %s", client->reply);
		snprintf(client->command, sizeof(client->command), "RCPT TO:<u%u@%s>\r\n",
			 started % users, domain);
		command(client, STEP_RCPT, client->command);
		break;
	case STEP_RCPT:
		if (code != 250)
			errx(1, "RCPT: %s", client->reply);
		command(client, STEP_DATA, "DATA\r\n");
		break;
	case STEP_DATA:
		if (code != 354)
			errx(1, "DATA: %s", client->reply);
		client->step = STEP_BODY;
		output(client, body, body_length);
		break;
	case STEP_BODY:
		if (code != 250)
			warnx("a mail was refused: %s", client->reply);
		mail_over(client, code == 250);
		break;
	case STEP_QUIT:
		close(client->fd);
		client->fd = -1;
		if (started < total)
			connect_client(client);
		break;
	}
}

/* A whole reply, RFC 5321 4.2.1: its last line has a space after the code. */
static void
read_reply(struct client *client)
{
	char *line = client->reply, *end;
	ssize_t n = recv(client->fd, client->reply + client->length,
			 sizeof(client->reply) - 1 - client->length, 0);

	if (n <= 0)
		errx(1, "the server closed the connection after: %.*s", (int)client->length,
		     client->reply);
	client->length += (size_t)n;
	client->reply[client->length] = '\0';
	while ((end = strstr(line, "\r\n")) != NULL) {
		bool last = end - line >= 4 && line[3] == ' ';

		if (last) {
			client->length = 0;
			next_step(client, (int)strtol(line, NULL, 10));
			return;
		}
		line = end + 2;
	}
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
run(struct client *clients)
{
	for (unsigned i = 0; i < connections; i++)
		connect_client(&clients[i]);
	while (finished < total) {
		struct epoll_event ready[64];
		int count = epoll_wait(events, ready, 64, 60000);

		if (count <= 0)
			errx(1, "nothing happens any more: %u of %u mails", finished, total);
		for (int i = 0; i < count; i++) {
			struct client *client = ready[i].data.ptr;

			if ((ready[i].events & EPOLLOUT) != 0 && client->left > 0) {
				flush_output(client);
				if (client->left == 0)
					watch(client, EPOLL_CTL_MOD);
			}
			if ((ready[i].events & ~(uint32_t)EPOLLOUT) != 0)
				read_reply(client);
		}
	}
}

static void
options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:n:s:u:r:d:")) != -1) {
		unsigned value = (unsigned)strtoul(optarg, NULL, 10);

		switch (option) {
		case 'c':
			connections = value;
			break;
		case 'n':
			total = value;
			break;
		case 's':
			body_size = value;
			break;
		case 'u':
			users = value;
			break;
		case 'r':
			mails_a_connection = value;
			break;
		case 'd':
			domain = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (optind + 1 != argc)
		errx(2, "usage: smtp_load [-c n] [-n n] [-s n] [-u n] [-r n] [-d domain] port");
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.sin_port = htons((uint16_t)strtoul(argv[optind], NULL, 10));
}

int
main(int argc, char **argv)
{
	struct client *clients;
	double began, seconds;

	options(argc, argv);
	make_body();
	clients = calloc(connections, sizeof(*clients));
	latencies = calloc(total + 1, sizeof(*latencies));
	events = epoll_create1(EPOLL_CLOEXEC);
	if (clients == NULL || latencies == NULL || events == -1)
		err(1, "start");
	began = now();
	run(clients);
	seconds = now() - began;
	qsort(latencies, finished, sizeof(*latencies), compare);
	printf("mails=%u failed=%u seconds=%.3f rate=%.0f median_ms=%.2f p99_ms=%.2f\n", finished,
	       failed, seconds, finished / seconds, latencies[finished / 2] * 1e3,
	       latencies[finished * 99 / 100] * 1e3);
	return failed == 0 ? 0 : 1;
}
