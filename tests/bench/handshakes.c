/* SPDX-License-Identifier: ISC */
/*
 * handshakes - full TLS handshakes with the key in certd against the key in the same process.
 *
 *   tests/bench/handshakes [-n handshakes] [-r rounds] [-c connections at once] [-p postern-certd]
 *
 * For each kind of key and version of TLS both sides take turns, a round each, so that they meet
 * the same machine; what is printed is the median of the rounds, and of the ratios of two rounds
 * next to each other (with the quartiles: how far to trust it). CPU is user and system time of the
 * serving process and of certd, without the client. Only the comparison has the key in the process;
 * no option of the product does that.
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

#define ROUNDS_MAX 1000

struct result {
	double server, certd; /* microseconds of CPU a handshake */
	double rate;          /* handshakes a second */
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
start_local(struct tls_server *server, int listener, EVP_PKEY *key)
{
	static struct fake_certd fake;

	fake_certd_init(&fake, event_base_new());
	EVP_PKEY_up_ref(key);
	fake_certd_add(&fake, server->choice.names[0], key, "DNS:mail.example");
	/* All it says is in the socket already when the server begins to listen. */
	tls_server_start(server, listener, fake_certd_connect(&fake));
	tls_server_use_local_key(server, key);
}

/* What a round needs to know. CERTD is NULL, or KEY is. */
struct setup {
	size_t which;
	struct real_certd *certd;
	EVP_PKEY *key;
	unsigned long count;
	unsigned at_once;
};

static struct result
serve(const struct setup *setup, int listener, int channel, int ready)
{
	struct tls_server server = {.choice = {.count = 1}};
	pid_t certd = setup->certd == NULL ? 0 : setup->certd->pid;
	double cpu, remote, wall, each = 1e6 / (double)setup->count;

	strlcpy(server.choice.names[0], cases[setup->which].name, sizeof(server.choice.names[0]));
	if (setup->certd == NULL)
		start_local(&server, listener, setup->key);
	else
		tls_server_start(&server, listener, channel);
	if (write(ready, "", 1) != 1)
		err(1, "telling that the server is ready");
	tls_server_run(&server, WARM_UP);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	remote = certd_seconds(certd);
	wall = seconds(CLOCK_MONOTONIC);
	tls_server_run(&server, WARM_UP + setup->count);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	remote = certd_seconds(certd) - remote;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	return (struct result){cpu * each, remote * each, (double)setup->count / wall};
}

/* A process that serves, and this one as its client. */
static struct result
round_of(const struct setup *setup)
{
	struct result result;
	uint16_t port;
	int listener = tls_server_listen(&port), channel = -1, pipes[2], status;
	char byte;
	pid_t pid;

	if (setup->certd != NULL)
		channel = real_certd_channel(setup->certd, &cases[setup->which].name, 1);
	if (pipe(pipes) == -1 || (pid = fork()) == -1)
		err(1, "starting a server");
	if (pid == 0) {
		result = serve(setup, listener, channel, pipes[1]);
		_exit(write(pipes[1], &result, sizeof(result)) == sizeof(result) ? 0 : 1);
	}
	close(pipes[1]);
	close(listener);
	if (channel != -1)
		close(channel);
	if (read(pipes[0], &byte, 1) != 1)
		errx(1, "the server died");
	tls_client_run(port, cases[setup->which].version, WARM_UP + setup->count, setup->at_once,
		       false);
	if (read(pipes[0], &result, sizeof(result)) != sizeof(result))
		errx(1, "the server died");
	close(pipes[0]);
	waitpid(pid, &status, 0);
	return result;
}

static int
ascending(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* What lies at QUARTER quarters of the values, which are sorted. */
static double
quartile(double *values, unsigned count, unsigned quarter)
{
	qsort(values, count, sizeof(*values), ascending);
	return values[(count - 1) * quarter / 4];
}

static void
print(const char *title, const char *where, const struct result *rounds, unsigned count)
{
	static double cpu[ROUNDS_MAX], server[ROUNDS_MAX], certd[ROUNDS_MAX], rate[ROUNDS_MAX];

	for (unsigned i = 0; i < count; i++) {
		server[i] = rounds[i].server;
		certd[i] = rounds[i].certd;
		cpu[i] = rounds[i].server + rounds[i].certd;
		rate[i] = rounds[i].rate;
	}
	printf("%-18s %-10s %8.1f %8.1f %8.1f %8.0f", title, where, quartile(cpu, count, 2),
	       quartile(server, count, 2), quartile(certd, count, 2), quartile(rate, count, 2));
}

static void
compare(struct setup *setup, struct real_certd *certd, unsigned rounds)
{
	static struct result local[ROUNDS_MAX], remote[ROUNDS_MAX];
	static double ratios[ROUNDS_MAX];
	EVP_PKEY *key = fake_key(cases[setup->which].local);

	for (unsigned i = 0; i < rounds; i++) {
		setup->certd = NULL;
		setup->key = key;
		local[i] = round_of(setup);
		setup->certd = certd;
		setup->key = NULL;
		remote[i] = round_of(setup);
		ratios[i] = (remote[i].server + remote[i].certd) / local[i].server;
	}
	EVP_PKEY_free(key);
	print(cases[setup->which].title, "in process", local, rounds);
	printf("\n");
	print("", "in certd", remote, rounds);
	printf("   %.3f (%.3f..%.3f; goal %.2f)\n", quartile(ratios, rounds, 2),
	       quartile(ratios, rounds, 1), quartile(ratios, rounds, 3), cases[setup->which].goal);
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
	struct setup setup = {.count = 200, .at_once = 16};
	unsigned rounds = 25;
	const char *program = certd_program(), *problem = NULL;
	struct real_certd certd;
	int option;

	while ((option = getopt(argc, argv, "n:r:c:p:")) != -1) {
		if (option == 'n')
			setup.count = (unsigned long)strtonum(optarg, 1, 1000000, &problem);
		else if (option == 'r')
			rounds = (unsigned)strtonum(optarg, 1, ROUNDS_MAX, &problem);
		else if (option == 'c')
			setup.at_once = (unsigned)strtonum(optarg, 1, 1000, &problem);
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
	printf("%u rounds of %lu full handshakes, %u at once; CPU in microseconds a handshake\n",
	       rounds, setup.count, setup.at_once);
	printf("%-18s %-10s %8s %8s %8s %8s   %s\n", "", "key", "CPU", "gate's", "certd's",
	       "a second", "ratio of CPU");
	for (setup.which = 0; setup.which < COUNT(cases); setup.which++)
		compare(&setup, &certd, rounds);
	real_certd_free(&certd);
	return 0;
}
