"""What runs behind the screens: relay, jobs, senders, schedule. The only package that knows RQ."""
