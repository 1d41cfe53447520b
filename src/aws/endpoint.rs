//! The endpoints of services (<https://docs.aws.amazon.com/general/latest/gr/rande.html>).

use url::Url;

use super::{Error, Service, Session, partition};

impl Session {
    /// Returns the address of a service in a region: from the environment, else the usual one, depending on
    /// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`. Not for services with other rules, such as S3.
    ///
    /// # Errors
    /// [`Error::Address`] when the environment sets an invalid one, [`Error::NoRegion`] when the region is not a valid
    /// name.
    pub fn url(&self, service: Service, region: &str) -> Result<Url, Error> {
        if let Some(address) = self.address(service)? {
            return Ok(address);
        }
        let (fips, dual_stack) = (self.is_set("AWS_USE_FIPS_ENDPOINT"), self.is_set("AWS_USE_DUALSTACK_ENDPOINT"));
        let host = host(service.signing, region, fips, dual_stack);
        // Only an invalid region makes an invalid host.
        Url::parse(&format!("https://{host}/")).map_err(|_| Error::NoRegion { service: service.name })
    }
}

/// Returns the host of a service in a region.
fn host(service: &str, region: &str, fips: bool, dual_stack: bool) -> String {
    let partition = partition(region);
    // In GovCloud the usual hosts of these are FIPS already; only the dual-stack ones have `fips` in their name.
    let usual = partition == "aws-us-gov" && !dual_stack && matches!(service, "logs" | "ssm");
    let fips = if fips && !usual { "-fips" } else { "" };
    let domain = match (partition, dual_stack) {
        ("aws-cn", false) => "amazonaws.com.cn",
        ("aws-cn", true) => "api.amazonwebservices.com.cn",
        ("aws-eusc", false) => "amazonaws.eu",
        ("aws-eusc", true) => "api.amazonwebservices.eu",
        (_, false) => "amazonaws.com",
        (_, true) => "api.aws",
    };
    format!("{service}{fips}.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_a_server() {
        for (region, fips, dual_stack, expected) in [
            ("eu-west-1", false, false, "logs.eu-west-1.amazonaws.com"),
            ("us-east-1", true, false, "logs-fips.us-east-1.amazonaws.com"),
            ("eu-west-1", false, true, "logs.eu-west-1.api.aws"),
            ("us-gov-west-1", false, true, "logs.us-gov-west-1.api.aws"),
            ("us-gov-west-1", true, false, "logs.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", true, true, "logs-fips.us-gov-west-1.api.aws"),
            ("cn-north-1", false, false, "logs.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", false, false, "logs.eusc-de-east-1.amazonaws.eu"),
        ] {
            assert_eq!(host("logs", region, fips, dual_stack), expected);
        }
    }
}
