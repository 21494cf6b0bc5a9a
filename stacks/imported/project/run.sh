# Answers each visitor with what SAYS has.
exec perl -MIO::Socket::INET -e '
  my $door = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die $!;
  while (my $visitor = $door->accept) { print $visitor "HTTP/1.0 200 OK\r\n\r\n$ENV{SAYS}\n"; close $visitor }
'
