/* SPDX-License-Identifier: ISC */
/*
 * handshakes - full TLS handshakes with the key in certd against the key in the same process.
 *
 *   tests/bench/handshakes [-n handshakes] [-r rounds] [-c connections at once] [-p postern-certd]
 *
 * For each kind of key and version of TLS, both sides take turns, so that they meet the same
 * machine. CPU is user and system time of the serving process and of certd, without the client.
 * Only the comparison has the key in the process; no option of the product does that.
 */
#include <err.h>
#include <event2/event.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/tls_client.h"
#include "tests/bench/tls_server.h"
#include "tests/unit/fake_certd.h"
#include "tests/unit/real_certd.h"

#define WARM_UP 64UL
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *title;
	const char *name;
	enum cert_key_kind kind;
	enum key_kind local;
	int version;
	double goal;
} cases[] = {
    {"RSA-2048  TLS 1.3", "rsa", CERT_KEY_RSA_2048, KEY_KIND_RSA, TLS1_3_VERSION, 1.05},
    {"RSA-2048  TLS 1.2", "rsa", CERT_KEY_RSA_2048, KEY_KIND_RSA, TLS1_2_VERSION, 1.05},
    {"P-256     TLS 1.3", "p256", CERT_KEY_P256, KEY_KIND_P256, TLS1_3_VERSION, 1.30},
    {"P-256     TLS 1.2", "p256", CERT_KEY_P256, KEY_KIND_P256, TLS1_2_VERSION, 1.30},
};

struct result {
	unsigned long handshakes;
	double server, certd, wall; /* seconds */
};

static double
seconds(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) == -1)
		err(1, "a process's clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The time that certd has used, or 0 if there is none in it. */
static double
certd_seconds(pid_t pid)
{
	clockid_t clock;

	if (pid == 0)
		return 0;
	if (clock_getcpuclockid(pid, &clock) != 0)
		errx(1, "certd's clock");
	return seconds(clock);
}

/* The key in this process, and a channel that only brings the certificate. */
static void
start_local(struct tls_server *server, int listener, enum key_kind kind)
{
	static struct fake_certd fake;
	struct event_base *base = event_base_new();
	EVP_PKEY *key = fake_key(kind);
	int channel;

	fake_certd_init(&fake, base);
	EVP_PKEY_up_ref(key);
	fake_certd_add(&fake, server->certificate, key, "DNS:mail.example");
	/* All it says is in the socket already when the server begins to listen. */
	channel = fake_certd_connect(&fake);
	tls_server_start(server, listener, channel);
	tls_server_use_local_key(server, key);
}

static struct result
serve(size_t which, int listener, int channel, pid_t certd, unsigned long count, int ready)
{
	struct tls_server server = {.certificate = cases[which].name};
	struct result result = {.handshakes = count};

	if (channel == -1)
		start_local(&server, listener, cases[which].local);
	else
		tls_server_start(&server, listener, channel);
	if (write(ready, "", 1) != 1)
		err(1, "telling that the server is ready");
	tls_server_run(&server, WARM_UP);
	result.server = -seconds(CLOCK_PROCESS_CPUTIME_ID);
	result.certd = -certd_seconds(certd);
	result.wall = -seconds(CLOCK_MONOTONIC);
	tls_server_run(&server, WARM_UP + count);
	result.server += seconds(CLOCK_PROCESS_CPUTIME_ID);
	result.certd += certd_seconds(certd);
	result.wall += seconds(CLOCK_MONOTONIC);
	return result;
}

/* One round of one case: a process that serves, and this one as its client. */
static struct result
round_of(size_t which, struct real_certd *certd, unsigned long count, unsigned at_once)
{
	struct result result;
	uint16_t port;
	int listener = tls_server_listen(&port), channel = -1, pipes[2], status;
	char byte;
	pid_t pid;

	if (certd != NULL)
		channel = real_certd_channel(certd, &cases[which].name, 1);
	if (pipe(pipes) == -1 || (pid = fork()) == -1)
		err(1, "starting a server");
	if (pid == 0) {
		result = serve(which, listener, channel, certd == NULL ? 0 : certd->pid, count,
			       pipes[1]);
		_exit(write(pipes[1], &result, sizeof(result)) == sizeof(result) ? 0 : 1);
	}
	close(pipes[1]);
	close(listener);
	if (channel != -1)
		close(channel);
	if (read(pipes[0], &byte, 1) != 1)
		errx(1, "the server died");
	/* Some more than are counted, so that the last ones are as crowded as the first. */
	tls_client_run(port, cases[which].version, WARM_UP + count, at_once, false);
	if (read(pipes[0], &result, sizeof(result)) != sizeof(result))
		errx(1, "the server died");
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return result;
}

static void
add(struct result *sum, struct result more)
{
	sum->handshakes += more.handshakes;
	sum->server += more.server;
	sum->certd += more.certd;
	sum->wall += more.wall;
}

static double
print(const char *title, const char *where, const struct result *r)
{
	double n = (double)r->handshakes, cpu = (r->server + r->certd) / n * 1e6;

	printf("%-18s %-10s %8lu %9.1f %9.1f %9.1f %9.0f", title, where, r->handshakes, cpu,
	       r->server / n * 1e6, r->certd / n * 1e6, n / r->wall);
	return cpu;
}

static void
compare(size_t which, struct real_certd *certd, unsigned long count, unsigned rounds,
	unsigned at_once)
{
	struct result local = {0}, remote = {0};
	double without, with;

	for (unsigned i = 0; i < rounds; i++) {
		add(&local, round_of(which, NULL, count, at_once));
		add(&remote, round_of(which, certd, count, at_once));
	}
	without = print(cases[which].title, "in process", &local);
	printf("\n");
	with = print("", "in certd", &remote);
	printf("   %.3f (goal %.2f)\n", with / without, cases[which].goal);
	fflush(stdout);
}

/* Beside this program's own tree, or where -p says. */
static const char *
certd_program(void)
{
	static char path[PATH_MAX];
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length == -1)
		err(1, "/proc/self/exe");
	self[length] = '\0';
	if ((size_t)snprintf(path, sizeof(path), "%s/../../postern-certd", dirname(self)) >=
	    sizeof(path))
		errx(1, "%s: too long", self);
	return path;
}

int
main(int argc, char **argv)
{
	unsigned long count = 1000;
	unsigned rounds = 4, at_once = 16;
	const char *program = certd_program(), *problem = NULL;
	struct real_certd certd;
	int option;

	while ((option = getopt(argc, argv, "n:r:c:p:")) != -1) {
		if (option == 'n')
			count = (unsigned long)strtonum(optarg, 1, 1000000, &problem);
		else if (option == 'r')
			rounds = (unsigned)strtonum(optarg, 1, 1000, &problem);
		else if (option == 'c')
			at_once = (unsigned)strtonum(optarg, 1, 1000, &problem);
		else if (option == 'p')
			program = optarg;
		else
			return 1;
		if (problem != NULL)
			errx(1, "-%c %s: %s", option, optarg, problem);
	}
	signal(SIGPIPE, SIG_IGN);
	real_certd_init(&certd, program);
	real_certd_start(&certd);
	real_certd_create(&certd, "rsa", CERT_KEY_RSA_2048, "mail.example");
	real_certd_create(&certd, "p256", CERT_KEY_P256, "mail.example");
	printf("%-18s %-10s %8s %9s %9s %9s %9s   %s\n", "full handshakes", "key", "number",
	       "CPU us", "of gate", "of certd", "a second", "CPU ratio");
	for (size_t i = 0; i < COUNT(cases); i++)
		compare(i, &certd, count, rounds, at_once);
	real_certd_free(&certd);
	return 0;
}
