//! The platform's trusted certificates.

use super::authority::Authority;
use super::{TestServiceProxy, failure, serve};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::error::Error;
use wswrapper::Client;

/// On Linux the environment can name the file of the platform's certificates, but only before a program starts.
/// Therefore another process of this test program connects.
#[tokio::test]
async fn a_client_without_a_configuration_trusts_the_platforms_certificates() -> Result<(), Box<dyn Error>> {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: the environment can name the platform's certificates only on Linux");
        return Ok(());
    }
    let (trusted, other) = (Authority::new(), Authority::new());
    let certificate = BASE64_STANDARD.encode(trusted.certificate());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let file = std::env::temp_dir().join(format!("wswrapper-tls-{}.pem", std::process::id()));
    std::fs::write(&file, pem)?;
    let (trusted, other) =
        (serve(trusted.certifies(&["localhost"])).await, serve(other.certifies(&["localhost"])).await);
    let child = tokio::process::Command::new(std::env::current_exe()?)
        .args([
            "--exact",
            "tls::platform::connects_only_to_the_server_that_the_platform_trusts",
            "--ignored",
            "--nocapture",
        ])
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .env(TRUSTED_URL, trusted.url("localhost"))
        .env(OTHER_URL, other.url("localhost"))
        .output();
    let output = child.await?;
    std::fs::remove_file(&file)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(stdout.contains("both were tried"), "{stdout}");
    Ok(())
}

const TRUSTED_URL: &str = "WSWRAPPER_TESTS_TRUSTED_URL";
const OTHER_URL: &str = "WSWRAPPER_TESTS_OTHER_URL";

#[tokio::test]
#[ignore = "run by `a_client_without_a_configuration_trusts_the_platforms_certificates`"]
async fn connects_only_to_the_server_that_the_platform_trusts() -> Result<(), Box<dyn Error>> {
    let (Ok(trusted), Ok(other)) = (std::env::var(TRUSTED_URL), std::env::var(OTHER_URL)) else {
        eprintln!("SKIPPED: another test runs it");
        return Ok(());
    };
    let client = Client::connect(&trusted).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    let refused = failure(Client::builder(), &other).await;
    assert!(refused.contains("its certificate is not trusted"), "{refused}");
    println!("both were tried");
    Ok(())
}
