//! One connection: requests one after the other, each with its reply.

use super::Shared;
use super::channel::Channel;
use super::reply::{Reply, Way};
use super::request::{FakeRequest, NoRequest, read_body, read_head};
use std::io::{self, BufReader, Write};
use std::net::TcpStream;

pub(super) struct Connection<'s> {
    reader: BufReader<Channel>,
    shared: &'s Shared,
}

impl<'s> Connection<'s> {
    pub(super) fn new(stream: TcpStream, shared: &'s Shared) -> io::Result<Self> {
        let channel = Channel::new(stream, shared.tls.clone())?;
        Ok(Self { reader: BufReader::new(channel), shared })
    }

    /// Answers requests until one of the two sides ends the connection.
    pub(super) fn serve(mut self) -> io::Result<()> {
        loop {
            let request = match self.read() {
                Ok(request) => request,
                Err(NoRequest::Closed) => return Ok(()),
                Err(NoRequest::Refused(status)) => return self.refuse(status),
            };
            let reply = (self.shared.answer)(&request);
            if !self.send(&reply, request.must_close)? {
                return Ok(());
            }
        }
    }

    fn read(&mut self) -> Result<FakeRequest, NoRequest> {
        let mut request = read_head(&mut self.reader)?;
        if request.header("Expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        read_body(&mut self.reader, &mut request)?;
        Ok(request)
    }

    fn refuse(mut self, status: u16) -> io::Result<()> {
        let page = b"<!DOCTYPE html><title>Error 400 (Bad Request)!!1</title>".to_vec();
        self.send(&Reply::new(status, page), true)?;
        Ok(())
    }

    /// Sends a reply; says whether the connection goes on.
    fn send(&mut self, reply: &Reply, closes: bool) -> io::Result<bool> {
        self.shared.pause(reply.delay)?;
        if reply.way == Way::Reset {
            return Ok(false);
        }
        self.reader.get_mut().settle()?;
        let head = reply.head(closes);
        match reply.way {
            Way::Truncated => {
                let half = &reply.body[..reply.body.len() / 2];
                self.write(&[head.as_bytes(), half].concat())?;
                self.reader.get_mut().cut()?;
                return Ok(false);
            }
            Way::Drip(pause) => {
                self.write(head.as_bytes())?;
                for byte in &reply.body {
                    self.shared.pause(pause)?;
                    self.write(&[*byte])?;
                }
            }
            _ => self.write(&[head.as_bytes(), &reply.body].concat())?,
        }
        if closes {
            self.reader.get_mut().end()?;
        }
        Ok(!closes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let channel = self.reader.get_mut();
        channel.write_all(bytes)?;
        channel.flush()
    }
}
