/* SPDX-License-Identifier: ISC */
/*
 * What web servers serve for a domain's mail. Postern has none: these are files for whatever serves
 * the domain's pages. Names in them are host names, which need no escape in XML.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/dns.h"

/* Text that grows; NULL once there is no memory. */
static void add(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
add(char **text, const char *format, ...)
{
	char *piece = NULL, *whole = NULL;
	va_list ap;
	int result;

	va_start(ap, format);
	result = vasprintf(&piece, format, ap);
	va_end(ap);
	if (*text == NULL || result == -1 || asprintf(&whole, "%s%s", *text, piece) == -1)
		whole = NULL;
	if (result != -1)
		free(piece);
	free(*text);
	*text = whole;
}

/* RFC 8461 3.2. Only with a certificate that others trust may it be enforced. */
static char *
policy(const struct dns_facts *facts)
{
	char *text = strdup("version: STSv1\r\n");

	add(&text, "mode: %s\r\n", facts->trusted ? "enforce" : "testing");
	add(&text, "mx: %s\r\n", facts->hostname);
	add(&text, "max_age: 604800\r\n");
	return text;
}

/* -- Mail programs ---------------------------------------------------------------------------- */

/* By their labels, in the order of preference. */
static const struct {
	const char *label, *protocol, *socket; /* of autoconfig */
	bool outgoing;
} kinds[] = {
    {"_imaps._tcp", "imap", "SSL", false},      {"_imap._tcp", "imap", "STARTTLS", false},
    {"_pop3s._tcp", "pop3", "SSL", false},      {"_pop3._tcp", "pop3", "STARTTLS", false},
    {"_submissions._tcp", "smtp", "SSL", true}, {"_submission._tcp", "smtp", "STARTTLS", true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static uint16_t
port_of(const struct dns_facts *facts, const char *label)
{
	for (size_t i = 0; i < DNS_SERVICES; i++) {
		if (strcmp(facts->services[i].label, label) == 0)
			return facts->services[i].port;
	}
	return 0;
}

/* Thunderbird's and others' (https://wiki.mozilla.org/Thunderbird:Autoconfiguration). */
static char *
autoconfig(const struct dns_facts *facts)
{
	char *text = strdup("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

	add(&text,
	    "<clientConfig version=\"1.1\">\n"
	    "  <emailProvider id=\"%s\">\n"
	    "    <domain>%s</domain>\n"
	    "    <displayName>%s</displayName>\n",
	    facts->domain, facts->domain, facts->domain);
	for (size_t i = 0; i < KINDS; i++) {
		const char *element = kinds[i].outgoing ? "outgoingServer" : "incomingServer";
		uint16_t port = port_of(facts, kinds[i].label);

		if (port == 0)
			continue;
		add(&text,
		    "    <%s type=\"%s\">\n"
		    "      <hostname>%s</hostname>\n"
		    "      <port>%u</port>\n"
		    "      <socketType>%s</socketType>\n"
		    "      <authentication>password-cleartext</authentication>\n"
		    "      <username>%%EMAILADDRESS%%</username>\n"
		    "    </%s>\n",
		    element, kinds[i].protocol, facts->hostname, (unsigned)port, kinds[i].socket,
		    element);
	}
	add(&text, "  </emailProvider>\n</clientConfig>\n");
	return text;
}

/* Outlook's ([MS-OXDSCLI] 2.2.4): the same answer for all, who log in as their address. */
static char *
autodiscover(const struct dns_facts *facts)
{
	static const char schema[] =
	    "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a";
	char *text = strdup("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");

	add(&text,
	    "<Autodiscover xmlns="
	    "\"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006\">\n"
	    "  <Response xmlns=\"%s\">\n"
	    "    <Account>\n"
	    "      <AccountType>email</AccountType>\n"
	    "      <Action>settings</Action>\n",
	    schema);
	for (size_t i = 0; i < KINDS; i++) {
		static const struct {
			const char *protocol, *type;
		} types[] = {{"imap", "IMAP"}, {"pop3", "POP3"}, {"smtp", "SMTP"}};
		uint16_t port = port_of(facts, kinds[i].label);
		bool tls = strcmp(kinds[i].socket, "SSL") == 0;
		const char *type = "";

		for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
			if (strcmp(types[t].protocol, kinds[i].protocol) == 0)
				type = types[t].type;
		}
		if (port == 0)
			continue;
		add(&text,
		    "      <Protocol>\n"
		    "        <Type>%s</Type>\n"
		    "        <Server>%s</Server>\n"
		    "        <Port>%u</Port>\n"
		    "        <SPA>off</SPA>\n"
		    "        <Encryption>%s</Encryption>\n"
		    "        <AuthRequired>on</AuthRequired>\n"
		    "      </Protocol>\n",
		    type, facts->hostname, (unsigned)port, tls ? "SSL" : "TLS");
	}
	add(&text, "    </Account>\n  </Response>\n</Autodiscover>\n");
	return text;
}

const struct dns_file dns_files[] = {
    {"mta-sts", "https://mta-sts.%s/.well-known/mta-sts.txt", "other servers, for MTA-STS", policy},
    {"autoconfig", "https://autoconfig.%s/mail/config-v1.1.xml", "Thunderbird and others",
     autoconfig},
    {"autodiscover", "https://autodiscover.%s/autodiscover/autodiscover.xml",
     "Outlook (which sends POST)", autodiscover},
    {NULL, NULL, NULL, NULL},
};
