"""What services of others are told of targets over HTTP: each message once, whatever happens on the way."""
